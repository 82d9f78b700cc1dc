"""A form that brings files: bounded while it arrives, each file kept in memory and never under its own name."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass

from python_multipart.exceptions import MultipartParseError
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from core.desk.sections import Bounds
from core.errors import InputError

FIELD_BYTES_MAX = 8 * 1024
_AROUND_BYTES = 64 * 1024
MEDIA_TYPE = "multipart/form-data"


@dataclass(frozen=True, slots=True)
class Sent:
    """One file as a browser sends it; ``name`` is what somebody called it, no more than a word."""

    name: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Upload:
    """``fields`` as an ordinary form has them; ``files`` by their field, those left empty not among them."""

    fields: dict[str, list[str]]
    files: dict[str, list[Sent]]


def brings_a_file(request: Request) -> bool:
    return request.headers.get("content-type", "").startswith(MEDIA_TYPE)


async def read_upload(request: Request, bounds: Bounds) -> Upload:
    """Raises ``InputError`` (``desk.upload``) for what is too large, too much, or no such form."""

    async def stream() -> AsyncGenerator[bytes, None]:
        size = 0
        async for piece in request.stream():
            size += len(piece)
            if size > bounds.bytes + _AROUND_BYTES:
                raise _refused(bounds)
            yield piece

    parser = MultiPartParser(
        request.headers,
        stream(),
        max_files=bounds.files,
        max_fields=bounds.fields,
        max_part_size=FIELD_BYTES_MAX,
    )
    # Kept in memory: it is bounded, and papers of people have no business in a temporary folder.
    parser.spool_max_size = bounds.bytes + _AROUND_BYTES
    try:
        form = await parser.parse()
    except (MultiPartException, MultipartParseError, UnicodeDecodeError, KeyError) as error:
        raise _refused(bounds) from error
    fields: dict[str, list[str]] = {}
    files: dict[str, list[Sent]] = {}
    for name, value in form.multi_items():
        if not isinstance(value, UploadFile):
            fields.setdefault(name, []).append(value)
        elif value.filename:
            files.setdefault(name, []).append(Sent(value.filename, await value.read()))
    await form.close()
    return Upload(fields, files)


def _refused(bounds: Bounds) -> InputError:
    most = bounds.bytes >> 20
    return InputError(
        "desk.upload",
        zh=f"文件合计超过 {most} MB 或 {bounds.files} 个，或上传不完整，没有生效。请重新选择文件，可分几次上传。",
        en=f"The files are more than {most} MB or {bounds.files} in all, or did not arrive whole; nothing was done. "
        "Choose them again, in several goes if need be.",
    )
