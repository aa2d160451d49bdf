"""Mutants of shared/adapters."""

from tests.mutants.mutant import Mutant

_AFTER = "shared/adapters/retry_after.py"
_AFTERS = "tests/adapters/test_retry_after.py"
_FILE = "shared/adapters/private_file.py"
_VAULT = "shared/adapters/vault.py"
_VAULTS = "tests/adapters/test_vault.py"
_AZURE = "shared/adapters/azure_errors.py"
_ERRORS = "tests/adapters/test_errors.py"
_FOLDER = "shared/adapters/storage/folder.py"
_FOLDERS = "tests/adapters/test_folder.py"
_NAMES = "shared/adapters/storage/names.py"
_FILES = "shared/adapters/storage/files.py"

ADAPTERS = [
    Mutant(_AFTER, "LONGEST = 3600.0", "LONGEST = 36000.0", _AFTERS),
    Mutant(_AFTER, "min(float(text), LONGEST)", "float(text)", _AFTERS),
    Mutant(_AFTER, "if seconds >= 0 else None", "if seconds > 0 else None", _AFTERS),
    Mutant(_AFTER, '(_http_date(headers.get("date", "").strip()) or now)', "now", _AFTERS),
    Mutant(_FILE, "mode & (S_IWGRP | S_IWOTH)", "mode & S_IWOTH", _VAULTS),
    Mutant(_FILE, " and not mode & S_ISVTX", "", _VAULTS),
    Mutant(_FILE, " | os.O_NOFOLLOW", "", _VAULTS),
    Mutant(_FILE, "status.st_mode & 0o077", "status.st_mode & 0o007", _VAULTS),
    Mutant(_FILE, "len(content) > most", "len(content) > most + 1", _VAULTS),
    Mutant(_VAULT, "if expires and expires <= datetime.now(UTC)", "if False", _VAULTS),
    Mutant(_VAULT, '"retry_status": 0', '"retry_status": 3', _VAULTS),
    Mutant(_VAULT, "len(content) > MOST_BYTES or ", "", _VAULTS),
    Mutant(_VAULT, "{1,127}", "{1,128}", _VAULTS),
    Mutant(_VAULT, "telemetry.vault_refusals.add(1", "telemetry.vault_refusals.add(0", _VAULTS),
    Mutant(_AZURE, "not in (408, 429)", "not in (408,)", _ERRORS),
    Mutant(_AZURE, "if status == 412:", "if status == 409:", _ERRORS),
    Mutant(_AZURE, "or status in (401, 403)", "or status in (401,)", _ERRORS),
    Mutant(_FOLDER, "            self._check_lease(name, lease)\n", "", "tests/adapters/test_store.py"),
    Mutant(_FOLDER, "if os.path.islink(path):", "if False:", _FOLDERS),
    Mutant(_FOLDER, " and not entry.is_symlink()", "", _FOLDERS),
    Mutant(_FOLDER, "== etag == etag_of", "== etag_of", _FOLDERS),
    Mutant(_FILES, "mode=0o700", "mode=0o755", _FOLDERS),
    Mutant(_FILES, "-{status.st_ino:x}", "", _FOLDERS),
    Mutant(_FILES, "-{status.st_size:x}", "", _FOLDERS),
    Mutant(_NAMES, "size > most", "size > most + 1", "tests/adapters/test_store.py"),
    Mutant(
        "shared/adapters/storage/locks.py",
        "self._descriptor, fcntl.LOCK_EX",
        "self._descriptor, fcntl.LOCK_SH",
        _FOLDERS,
    ),
]
