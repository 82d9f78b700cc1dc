"""Scans that a form brings: sealed as they arrive, kept until the form is right, then part of the case."""

from core.application import Part, Problem
from core.bodies import AttachmentManifest
from core.desk.visit import Visit
from core.errors import InputError
from core.store import pending_scans

Kept = dict[int, tuple[AttachmentManifest, ...]]
"""Scans by the place of their material in the item's list."""
OF_A_MATERIAL_MAX = 20


def received(visit: Visit, materials: int) -> tuple[Kept, list[Problem]]:
    """The scans of a form so far: those it brought before and still wants, and those that have just come.

    What cannot be taken is a problem to mend, in words; what was taken stays.
    """
    problems: list[Problem] = []
    kept: Kept = {}
    for at in range(materials):
        scans = [*_brought_before(visit, at, problems), *_just_come(visit, at, problems)]
        distinct = {scan.id: scan for scan in scans}
        if len(distinct) > OF_A_MATERIAL_MAX:
            zh = f"一种材料最多 {OF_A_MATERIAL_MAX} 个扫描件，请合并成多页文件。"
            en = f"One material has at most {OF_A_MATERIAL_MAX} scans; join them into files of several pages."
            problems.append(_problem(at, zh, en))
        kept[at] = tuple(distinct.values())[:OF_A_MATERIAL_MAX]
    return kept, problems


def _brought_before(visit: Visit, at: int, problems: list[Problem]) -> list[AttachmentManifest]:
    found = []
    unwanted = set(visit.form.get("unscan", ()))
    with visit.context.db.reading() as tx:
        for id_ in visit.form.get(f"scan.{at}.kept", ())[: OF_A_MATERIAL_MAX + 1]:
            scan = pending_scans.find(tx, visit.signed_in.officer.id, id_)
            if id_ in unwanted:
                continue
            if scan is None:
                zh = "有一个扫描件已不在本机暂存中，请重新选择。"
                en = "A scan is no longer kept here; please choose the file again."
                problems.append(_problem(at, zh, en))
            else:
                found.append(scan)
    return found


def _just_come(visit: Visit, at: int, problems: list[Problem]) -> list[AttachmentManifest]:
    context, sealed = visit.context, []
    for sent in visit.files.get(f"scan.{at}", ()):
        try:
            sealed.append(AttachmentManifest(**context.files.seal(sent.name, sent.data)))
        except InputError as error:
            problems.append(_problem(at, f"“{sent.name[:60]}”：{error.zh}", f"{sent.name[:60]}: {error.en}"))
    if sealed:
        with context.db.transaction() as tx:
            context.db.require_room()
            for scan in sealed:
                pending_scans.keep(tx, context.world, visit.signed_in.officer.id, scan)
    return sealed


def _problem(at: int, zh: str, en: str) -> Problem:
    return Problem(Part.MATERIALS, f"scan.{at}", "扫描件", zh, en)
