"""What the city has, read by a process of its own: ``python -m tests.torture.look FOLDER`` prints one JSON document."""

import json
import sys
from pathlib import Path
from typing import Any

from core.identifiers import CaseId
from deploy.demo.reading import Reader
from deploy.demo.worker import open_node


def look(folder: Path) -> list[dict[str, Any]]:
    """Every case of the city's book with its applicant; attachments are decrypted and hashed."""
    installation, office, _ = open_node("city", folder)
    try:
        book = Reader(installation, office).book(open_files=True)
        with installation.db.reading() as tx:
            return [_facts(entry, office.casebook.get(tx, CaseId(entry["id"]))) for entry in book["entries"]]
    finally:
        installation.close()


def _facts(entry: dict[str, Any], case: Any) -> dict[str, Any]:
    return {
        "case": entry["id"],
        "origin": entry["origin"],
        "item": entry["item"],
        "name": case.applicant.name,
        "id_no": case.applicant.id_no,
        "files": [file["sha256"] for file in entry["files"]],
    }


if __name__ == "__main__":
    print(json.dumps(look(Path(sys.argv[1])), ensure_ascii=False))
