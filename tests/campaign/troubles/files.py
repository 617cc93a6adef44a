"""What a loss of power, or a bad disk, leaves of a journal's files."""

from pathlib import Path
from random import Random

from tests.campaign.running import Disk, LogMark


def tear(disk: Disk, synced: LogMark, rng: Random) -> bool:
    """Cut the -wal file somewhere after the last byte known to be on the disk; whether anything went."""
    mark = disk.mark()
    begin = synced.end if synced.generation == mark.generation else 0
    if mark.end <= begin:
        return False
    disk.log.write_bytes(disk.log.read_bytes()[: rng.randrange(begin, mark.end)])
    return True


def corrupt(file: Path, rng: Random) -> bool:
    """Flip some bits anywhere in a file; whether there was any."""
    content = bytearray(file.read_bytes()) if file.exists() else bytearray()
    for _ in range(rng.choice((1, 4, 64)) if content else 0):
        content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    file.write_bytes(content)
    return bool(content)
