"""One file of settings, every mistake named by its key."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from core.documents.office import Letterhead
from core.errors import InputError
from sync.settings import FILE_NAME, Settings, check_settings, host_port, load_settings, write_settings
from sync.workplace import letterhead

NODE = "430981102000"
PATH = Path("settings.toml")


def test_a_desk_is_given_what_the_settings_say_of_its_office() -> None:
    facts = letterhead(Settings(node=NODE, office_name="沅江市政务服务中心", office_court="沅江市人民法院"))
    assert facts == {
        "name": "沅江市政务服务中心",
        "word": "",
        "phone": "",
        "address": "",
        "review_body": "",
        "court": "沅江市人民法院",
    }
    assert Letterhead.read(facts).judged_by == "沅江市人民法院"


def test_what_was_written_is_read_back_and_nothing_else_is_left(tmp_path: Path) -> None:
    given_ = Settings(
        node=NODE,
        listen_contact="0.0.0.0:8443",
        listen_desk="[::1]:8080",
        parent_contact="https://10.1.2.3:8443",
        database_url='postgresql+psycopg://u:p"\\w@h/d',
        contact_every_s=5,
        lang="en",
        listen_public="127.0.0.1:8081",
        office_name="沅江市政务服务中心",
    )
    write_settings(tmp_path, given_)
    assert load_settings(tmp_path) == given_
    assert [path.name for path in tmp_path.iterdir()] == [FILE_NAME]


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x7f"), max_size=30))
@examples(derandomize=True, max_examples=60)
def test_any_text_survives_the_file(text: str) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        write_settings(Path(folder), Settings(node=NODE, database_url=text))
        assert load_settings(Path(folder)).database_url == text


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("nod", NODE),
        ("node", "430981"),
        ("node", "4309 8110 2000"),
        ("node", 430981102000),
        ("contact_every_s", 0),
        ("contact_every_s", True),
        ("contact_every_s", "60"),
        ("contact_timeout_s", 601),
        ("backup_hour", 24),
        ("backups_kept", 0),
        ("parent_contact", "http://10.0.0.1:8443"),
        ("parent_contact", "https://"),
        ("parent_contact", "https://[::1"),
        ("parent_enrol", "https://host:99999"),
        ("listen_contact", "8443"),
        ("listen_contact", "0.0.0.0:"),
        ("listen_contact", "0.0.0.0:0"),
        ("listen_enrol", "0.0.0.0:65536"),
        ("listen_enrol", "0.0.0.0:²"),
        ("listen_desk", ":8080"),
        ("listen_public", "8081"),
        ("office_name", "名" * 101),
        ("office_phone", "0737\n"),
        ("lang", "fr"),
        ("database_url", 1),
    ],
)
def test_a_wrong_value_is_refused_with_its_key_and_what_is_wanted(key: str, value: Any) -> None:
    with pytest.raises(InputError) as refused:
        check_settings({"node": NODE, key: value}, PATH)
    assert refused.value.code == "settings.wrong"
    assert key in refused.value.zh
    assert str(PATH) in refused.value.en


def test_settings_without_a_node_are_refused() -> None:
    with pytest.raises(InputError, match="node"):
        check_settings({}, PATH)


def test_an_address_is_host_and_port() -> None:
    assert host_port("[::1]:8080", PATH, "listen_desk") == ("[::1]", 8080)
    assert host_port("127.0.0.1:65535", PATH, "listen_desk") == ("127.0.0.1", 65535)


@pytest.mark.parametrize(
    ("data", "code"), [(None, "missing"), (b"node = ", "wrong"), (b"\xff", "wrong"), (b"#" * 70_000, "wrong")]
)
def test_a_file_that_cannot_be_read_is_refused_by_name(tmp_path: Path, data: bytes | None, code: str) -> None:
    if data is not None:
        (tmp_path / FILE_NAME).write_bytes(data)
    with pytest.raises(InputError) as refused:
        load_settings(tmp_path)
    assert refused.value.code == f"settings.{code}"
    assert str(tmp_path) in refused.value.zh
