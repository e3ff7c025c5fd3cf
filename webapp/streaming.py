"""Files sent in pieces under ASGI, without holding the event loop or the whole file."""

from collections.abc import AsyncIterator
from typing import IO

from asgiref.sync import sync_to_async

PIECE = 256 * 1024  # bytes


async def pieces(file: IO[bytes], *, length: int | None = None) -> AsyncIterator[bytes]:
    """Yield a file from where it stands, `length` bytes or to its end, and close it."""
    read = sync_to_async(file.read, thread_sensitive=False)
    left = length
    try:
        while left is None or left > 0:
            piece = await read(PIECE if left is None else min(PIECE, left))
            if not piece:
                return
            left = left if left is None else left - len(piece)
            yield piece
    finally:
        file.close()
