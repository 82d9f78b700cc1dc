"""A form that brings a file: bounded before it is taken apart, the file kept in memory and never under its own name."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass

from python_multipart.exceptions import MultipartParseError
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from core.errors import InputError

FILE_BYTES_MAX = 4 << 20
FIELDS_MAX, FIELD_BYTES_MAX = 20, 8 * 1024
_AROUND_BYTES = 64 * 1024
MEDIA_TYPE = "multipart/form-data"


@dataclass(frozen=True, slots=True)
class Upload:
    """``fields`` as an ordinary form has them; ``files`` the content of each file by its field."""

    fields: dict[str, list[str]]
    files: dict[str, bytes]


def brings_a_file(request: Request) -> bool:
    return request.headers.get("content-type", "").startswith(MEDIA_TYPE)


async def read_upload(request: Request) -> Upload:
    """Raises ``InputError`` (``desk.upload``) for what is too large or no such form."""
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > FILE_BYTES_MAX + _AROUND_BYTES:
            raise _refused()

    async def stream() -> AsyncGenerator[bytes, None]:
        yield bytes(body)
        yield b""

    parser = MultiPartParser(
        request.headers, stream(), max_files=1, max_fields=FIELDS_MAX, max_part_size=FIELD_BYTES_MAX
    )
    # Kept in memory: it is bounded, and nothing of a catalogue needs to lie in a temporary folder.
    parser.spool_max_size = FILE_BYTES_MAX + _AROUND_BYTES
    try:
        form = await parser.parse()
    except (MultiPartException, MultipartParseError, UnicodeDecodeError, KeyError) as error:
        raise _refused() from error
    fields: dict[str, list[str]] = {}
    files: dict[str, bytes] = {}
    for name, value in form.multi_items():
        if isinstance(value, UploadFile):
            files[name] = await value.read()
        else:
            fields.setdefault(name, []).append(value)
    await form.close()
    return Upload(fields, files)


def _refused() -> InputError:
    return InputError(
        "desk.upload",
        zh=f"文件超过 {FILE_BYTES_MAX >> 20} MB，或上传不完整，没有生效。请重新选择文件。",
        en=f"The file is larger than {FILE_BYTES_MAX >> 20} MB or did not arrive whole; nothing was done. Choose it again.",
    )
