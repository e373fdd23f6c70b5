"""Erases users store by store, and returns a receipt of what was removed for each user.

A kill is safe at any point: the event that removes the user is added first and erased last, so that
a second erasure starts again with whatever is left. Snapshots are erased after the vectors and
explanations whose texts are looked up in them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, NamedTuple

import polars as pl

from hertz.core.errors import LockedError
from hertz.core.faults import fault_point
from hertz.embedding.texts import all_texts, profile_texts
from hertz.policy.model import Policy
from hertz.policy.profiles import validate_profiles
from hertz.policy.text_frame import text_frame
from hertz.storage.embeddings import EmbeddingStore, text_hash
from hertz.storage.erasure.scan import Scan, scan_home
from hertz.storage.erasure.snapshot import embedding_identities, erase_from_snapshot, rows_naming
from hertz.storage.explanation_cache import ExplanationCache
from hertz.storage.files import read_frame, write_text
from hertz.storage.intake.events import Request
from hertz.storage.intake.queue import INTAKE_FILE, Intake
from hertz.storage.settings import Settings
from hertz.storage.snapshot.history import erase_from_history
from hertz.storage.snapshot.manifest import Manifest, read_manifest
from hertz.storage.snapshot.snapshots import kept_folders, locked_home, new_run_id, remove_damaged

Removals = Mapping[int, int]  # user -> number of the event that removed the user
Cause = Literal["forget", "delete"]
EXPLANATIONS_SEARCHED = 10  # of a user's pairs; their texts are searched for in every byte


@dataclass
class Receipt:
    """Records the erasure of one user, without the user's id.

    Attributes:
        user: The user's tombstone, in hex.
        requested: Time at which the erasure began (ISO, UTC).
        stores: For each store: `store`, the number `removed`, and a `note`.
        scan: Result of the search afterwards; None if there was none.
    """

    user: str
    cause: Cause
    requested: str
    completed: str = ""
    stores: list[dict[str, Any]] = field(default_factory=list)
    scan: dict[str, Any] | None = None

    def add(self, store: str, removed: int, note: str = "") -> None:
        """Adds the result of one store."""
        self.stores.append({"store": store, "removed": removed, "note": note})

    @property
    def is_incomplete(self) -> bool:
        """Whether the search found traces of the user."""
        return bool(self.scan and self.scan["found"])

    def to_json(self) -> str:
        """Returns the receipt as one JSON object."""
        return json.dumps(asdict(self), ensure_ascii=False)


def forget(settings: Settings, user_id: int) -> Receipt:
    """Hides a user at once, erases the user everywhere, and searches the home for traces.

    Raises:
        LockedError: If a run holds the home; the user is hidden, and that run erases at its end.
        StorageError: If a store cannot be read or written; a second call completes the erasure.
    """
    home = settings.home
    with Intake(home) as intake:
        outcome = intake.apply([Request("forget", user_id)], lambda _: True)[0]
    try:
        with locked_home(home, "forget"):
            damaged = remove_damaged(home)
            texts = _own_texts(settings, user_id)
            receipt = _purge(settings, {user_id: outcome.sequence}, "forget", damaged)[0]
            scan = scan_home(home, user_id, texts, settings.source.path)
            receipt.scan = scan.as_dict()
            fault_point("forget.before_receipt")
            _store(home, receipt)
    except LockedError as error:
        message = f"{error}. The user is hidden already; the end of that run erases the rest"
        raise LockedError(message) from error
    return receipt


def purge_removed(settings: Settings, upto: int) -> list[Receipt]:
    """Erases all forgotten users, and the users whose deletion a published run has folded.

    The caller holds the home; `upto` is the published snapshot's `intake_sequence`.
    """
    home = settings.home
    if not (home / INTAKE_FILE).exists():
        return []
    with Intake(home) as intake:
        users = intake.removed(upto)
    receipts = _purge(settings, users, "delete", remove_damaged(home)) if users else []
    for receipt in receipts:
        _store(home, receipt)
    with Intake(home) as intake:
        intake.supersede(upto)
        if not intake.is_wiped:  # an earlier run was killed between erasing and wiping
            intake.wipe()
    return receipts


def verify(settings: Settings, user_id: int) -> Scan:
    """Searches every byte of the home for a user."""
    return scan_home(settings.home, user_id, source=settings.source.path)


def _purge(
    settings: Settings, users: Removals, cause: Cause, damaged: Mapping[str, str]
) -> list[Receipt]:
    """Erases everything of users from before the events that removed them."""
    requested = datetime.now(UTC).isoformat(timespec="seconds")
    home = settings.home
    with Intake(home) as intake:
        tombstones = {user: intake.tombstone_of(user).hex() for user in sorted(users)}
        receipts = {user: Receipt(mark, cause, requested) for user, mark in tombstones.items()}
        fault_point("forget.before_vectors")
        _purge_vectors(settings, intake, users, receipts)
        fault_point("forget.before_cache")
        _purge_cache(home, users, receipts)
        for snapshot in kept_folders(home):
            fault_point("forget.before_snapshot")
            _purge_snapshot(snapshot, users, receipts)
        fault_point("forget.before_intake")
        for user, sequence in users.items():
            receipts[user].add("intake", intake.erase(user, sequence))
        for user, runs in erase_from_history(home, users).items():
            receipts[user].add("history", runs)
        fault_point("forget.before_wipe")
        intake.wipe()
    for receipt in receipts.values():
        _complete(receipt, damaged)
    return list(receipts.values())


def _complete(receipt: Receipt, damaged: Mapping[str, str]) -> None:
    """Adds the removed damaged snapshots, what is kept, and the time of completion."""
    for name, why in damaged.items():
        receipt.add(f"snapshots/{name}", 1, f"removed whole: nobody can be erased from it, {why}")
    receipt.add("tombstone of the id (HMAC)", 0, "kept, so that no source brings the user back")
    receipt.add("source", 0, "not Hertz's to change; the tombstone keeps the user out of every run")
    receipt.completed = datetime.now(UTC).isoformat(timespec="seconds")


def _purge_vectors(
    settings: Settings, intake: Intake, users: Removals, receipts: Mapping[int, Receipt]
) -> None:
    """Erases the vectors of texts that no other user in any kept snapshot has."""
    home = settings.home
    own = {user: _embedded_texts(settings, intake, user, users[user]) for user in users}
    wanted = set().union(*own.values())
    unshared = wanted - _texts_of_others(home, users, wanted)
    for identity in embedding_identities(home):
        store = EmbeddingStore(home, identity)
        texts_by_hash = {text_hash(identity, text): text for text in unshared}
        stored = texts_by_hash.keys() - set(store.missing(list(texts_by_hash)))
        store.discard(list(stored))
        held = {texts_by_hash[key] for key in stored}
        for user, texts in own.items():
            shared = len(texts - unshared)
            note = f"{shared} texts that others have too stay" if shared else ""
            receipts[user].add(f"embeddings/{store.folder.name}", len(texts & held), note)


def _embedded_texts(settings: Settings, intake: Intake, user: int, upto: int) -> set[str]:
    """Returns every text of a user that may have a vector, except the policy's own labels."""
    found = _profiles_of(settings, intake, user, upto)
    return set().union(*(set(all_texts(policy, rows)) - _labels(policy) for policy, rows in found))


def _profiles_of(
    settings: Settings, intake: Intake, user: int, upto: int
) -> Iterable[tuple[Policy, pl.DataFrame]]:
    """Yields a user's profiles of kept snapshots and intake from before an event, with policies."""
    for kept in _kept_users(settings.home):
        if upto > kept.manifest.intake_sequence:
            yield kept.manifest.policy, kept.profiles.filter(pl.col("user_id") == user)
    policy = settings.policy
    for payload in intake.payloads_of(user, upto):
        row = dict.fromkeys([policy.id_field, *policy.columns.values()]) | payload
        yield policy, validate_profiles(policy, text_frame([row])).profiles


class _KeptUsers(NamedTuple):
    """A kept snapshot's folder and manifest, and the rows of its users.parquet."""

    folder: Path
    manifest: Manifest
    profiles: pl.DataFrame


def _kept_users(home: Path) -> Iterable[_KeptUsers]:
    """Yields the users of each kept snapshot."""
    for folder in kept_folders(home):
        manifest = read_manifest(folder)
        if (folder / "users.parquet").exists():
            yield _KeptUsers(folder, manifest, read_frame(folder / "users.parquet"))


def _texts_of_others(home: Path, users: Removals, wanted: set[str]) -> set[str]:
    """Returns the texts that other users have in a kept snapshot, whose Chroma needs them."""
    shared: set[str] = set()
    for kept in _kept_users(home):
        gone = _users_within(kept.manifest, users)
        others = kept.profiles.filter(~pl.col("user_id").is_in(gone))
        shared |= wanted & set(all_texts(kept.manifest.policy, others))
    return shared


def _users_within(manifest: Manifest, users: Removals) -> list[int]:
    """Returns the users who were removed after the last event that a snapshot has folded."""
    return [user for user, removed in users.items() if removed > manifest.intake_sequence]


def _labels(policy: Policy) -> set[str]:
    """Returns the labels of closed vocabularies, which are not personal."""
    language = policy.embed.language
    return {
        policy.label(field, code, language)
        for field in policy.embed.fields
        for code in policy.shown_codes(field)
    }


def _purge_cache(home: Path, users: Removals, receipts: Mapping[int, Receipt]) -> None:
    """Erases cached explanations, which have no ids, except those of others' pairs in snapshots."""
    used: set[str] = set()
    own: dict[int, set[str]] = {user: set() for user in users}
    for snapshot in kept_folders(home):
        path = snapshot / "explanations.parquet"
        if not path.exists():
            continue
        written = read_frame(path).filter(pl.col("origin") == "model")
        for user in _users_within(read_manifest(snapshot), users):
            own[user] |= set(written.filter(_in_pair(user))["content_hash"])
            written = written.filter(~_in_pair(user))
        used |= set(written["content_hash"])
    gone = set(ExplanationCache(home).prune(used))
    nameless = len(gone - set().union(*own.values()))
    note = f"and {nameless} texts of pairs that are in no kept snapshot" if nameless else ""
    for user in users:
        receipts[user].add("explanation_cache", len(own[user] & gone), note)


def _in_pair(user: int) -> pl.Expr:
    """Returns the condition that a pair has the user."""
    return (pl.col("user_a") == user) | (pl.col("user_b") == user)


def _purge_snapshot(snapshot: Path, users: Removals, receipts: Mapping[int, Receipt]) -> None:
    """Erases the users from a snapshot that was built before they were removed."""
    found = rows_naming(snapshot, _users_within(read_manifest(snapshot), users))
    notes = erase_from_snapshot(snapshot, found) if found else []
    store = f"snapshots/{snapshot.name}"
    rebuilt = [name for name in ("serving", "chroma") if (snapshot / name).exists()]
    for user, parts in found.items():
        for name, rows in parts.items():
            receipts[user].add(f"{store}/{name}", rows)
        for name in rebuilt:
            receipts[user].add(f"{store}/{name}", 1, "made again without")
        for note in notes:
            receipts[user].add(store, 0, note)
    for user in users.keys() - found.keys():
        receipts[user].add(store, 0, "not in it")


def _own_texts(settings: Settings, user_id: int) -> list[str]:
    """Returns texts that only this user has: written, embedded, and some of the explanations."""
    own = set[str]()
    explanations = set[str]()
    others = set[str]()
    with Intake(settings.home) as intake:
        for policy, profiles in _profiles_of(settings, intake, user_id, intake.last_sequence()):
            own |= _texts_in(policy, profiles)
    for kept in _kept_users(settings.home):
        rest = kept.profiles.filter(pl.col("user_id") != user_id)
        others |= _texts_in(kept.manifest.policy, rest)
        path = kept.folder / "explanations.parquet"
        explained = read_frame(path, ["user_a", "user_b", "content"])
        explanations |= set(explained.filter(_in_pair(user_id))["content"])
        others |= set(explained.filter(~_in_pair(user_id))["content"])
    some = sorted(explanations - others)
    step = max(1, len(some) // EXPLANATIONS_SEARCHED)
    return sorted(own - others) + some[::step][:EXPLANATIONS_SEARCHED]


def _texts_in(policy: Policy, profiles: pl.DataFrame) -> set[str]:
    """Returns the texts that users wrote, and their profile texts."""
    texts = [name for name, rule in policy.fields.items() if rule.kind == "text"]
    written = {text for name in texts for text in profiles[name].drop_nulls()}
    return written | set(profile_texts(policy, profiles)) - {""}


def _store(home: Path, receipt: Receipt) -> None:
    """Writes a receipt into the home."""
    folder = home / "receipts"
    folder.mkdir(exist_ok=True)
    write_text(folder / f"{new_run_id()}.json", receipt.to_json())
