"""Answers why two users were matched, in numbers and words that the user may be given.

The record has both directional scores, their contributions, and the policy, models and run that
made them. Of the other person it says no more than the contributions and the explanation do.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastapi import Response

from hertz.api.errors import NOT_FOUND_MATCH, ApiError
from hertz.api.lists.reads import View, check_accepted, snapshot_response
from hertz.api.snapshot.follower import Served
from hertz.core.interface_texts.catalogue import LANGUAGES, text
from hertz.policy.model import Policy
from hertz.storage.snapshot.serving import Match


def why(
    view: View, user_id: int, other_id: int, category: str | None, language: str | None
) -> Response:
    """Returns the record of a match that is on the list of either user.

    Without a category it is the first in which the two are matched, without a language the policy's
    first one.

    Raises:
        ApiError: 404 if a user is not known, or the two are not matched or may not meet.
        RequestValidationError: The category, the language or an id is not accepted.
    """
    reader = view.served.reader
    language = reader.languages[0] if language is None else language
    check_accepted("query", "language", language, reader.languages)
    if category is not None:
        check_accepted("query", "category", category, reader.categories)
    # Both are asked in any case: an id that is not valid is an error even if the other is pending.
    user_pending = view.is_pending("path", user_id)
    other_pending = view.is_pending("path", other_id, "otherId")
    if user_pending or other_pending or view.hides(user_id, other_id):
        raise ApiError(404, NOT_FOUND_MATCH)
    for name in (category,) if category else reader.categories:
        record = _record(view.served, name, user_id, other_id)
        if record is not None:
            explanation = reader.explanation(name, user_id, other_id, language)
            return snapshot_response(view.served, record | {"explanation": explanation})
    raise ApiError(404, NOT_FOUND_MATCH)


def _record(served: Served, category: str, user_id: int, other_id: int) -> dict[str, Any] | None:
    """Returns the record of two users in a category; None where neither lists the other."""
    on_users_list = served.reader.match(category, user_id, other_id)
    on_others_list = served.reader.match(category, other_id, user_id)
    match = on_users_list or (on_others_list and _reversed(on_others_list))
    if not match:
        return None
    return _scores(served, category, match) | {
        "userId": user_id,
        "otherUserId": other_id,
        "rank": {
            "onUsersList": on_users_list and on_users_list.rank,
            "onOthersList": on_others_list and on_others_list.rank,
        },
    }


def _reversed(match: Match) -> Match:
    """Returns a match with its two directions exchanged."""
    return match._replace(
        forward=match.backward,
        backward=match.forward,
        forward_terms=match.backward_terms,
        backward_terms=match.forward_terms,
    )


def _scores(served: Served, category: str, match: Match) -> dict[str, Any]:
    """Returns the part of the record that the snapshot and the match decide."""
    manifest = served.manifest
    policy = manifest.policy
    return {
        "runId": manifest.run_id,
        "createdAt": manifest.created_at.isoformat(),
        "category": {"name": category, "label": policy.categories[category].label},
        "policy": {"name": manifest.policy_name, "hash": manifest.policy_hash},
        "embeddingModel": public_name(manifest.embedding_model),
        "languageModel": public_name(manifest.language_model or "") or None,
        "score": {
            "mutual": match.mutual,
            "forward": match.forward,
            "backward": match.backward,
            "combine": policy.combine,
            "combined": {
                language: text(f"common_combined_{policy.combine}", language)
                for language in LANGUAGES
            },
        },
        "terms": [_term(policy, category, match, name) for name in match.forward_terms],
    }


def _term(policy: Policy, category: str, match: Match, name: str) -> dict[str, Any]:
    """Returns one term of the record with its weight and both contributions."""
    term = policy.terms[name]
    return {
        "term": name,
        "label": term.label,
        "fields": [{"name": f, "label": policy.fields[f].label} for f in term.fields],
        "weight": policy.categories[category].weights[name],
        "forward": match.forward_terms[name],
        "backward": match.backward_terms[name],
    }


def public_name(model: str) -> str:
    """Returns a model's name without the path of the folder in which it lies."""
    return Path(model).name if model.startswith(("/", "~", ".")) else model
