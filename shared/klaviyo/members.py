"""The members of a list: reading, looking up and removing them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from shared.adapters.clock import Deadline
from shared.errors import BatchRefused, Denied, ExportError, NotFound
from shared.klaviyo.answers import check_done, unexpected
from shared.klaviyo.body import JsonBody
from shared.klaviyo.calls import Permit
from shared.klaviyo.lists import Lists, list_path
from shared.klaviyo.lookup import look_up, page_of
from shared.klaviyo.pages import is_query
from shared.klaviyo.resources import Person, read_person

# 10 million members.
MOST_MEMBER_PAGES = 100_000
# Characters; callers store cursors.
LONGEST_CURSOR = 1_000


class MembersChanged(ExportError):
    """Klaviyo refused a removal: some of the profiles were merged into others or deleted meanwhile."""

    code = "members_changed"


class InvalidCursor(ExportError):
    """The cursor is not valid: read the list from its first page."""

    code = "invalid_cursor"


@dataclass(frozen=True, slots=True)
class MembersPage:
    """Members of a list, and the cursor of the page after them; None after the last page.

    A cursor is at most 1,000 characters of ASCII. It may contain a member's id, so no repr contains it.
    """

    members: tuple[Person, ...]
    cursor: str | None = field(repr=False)


class Members(Lists):
    """The members of the lists of one account."""

    def members(
        self, list_id: str, deadline: Deadline, cursor: str | None = None, *, external_ids: bool = False
    ) -> Iterator[MembersPage]:
        """The members of a list, 100 a page (GET /api/lists/{id}/profiles), from the cursor if there is one.

        Any process can continue from a page's cursor. People who join or leave meanwhile may be missed.
        Raises InvalidCursor if Klaviyo does not accept the cursor.
        """
        if cursor is not None and not _is_cursor(cursor):
            raise _invalid_cursor(list_id)
        pages = self._calls.pages(
            "members",
            _path(list_id),
            cursor or page_of(external_ids=external_ids),
            deadline,
            read_person,
            most=MOST_MEMBER_PAGES,
        )
        try:
            with self._naming(list_id):
                for people, cursor in pages:
                    if cursor is not None and not _is_cursor(cursor):
                        raise unexpected(200)
                    yield MembersPage(tuple(people), cursor)
        except Denied as refusal:
            if cursor is None or refusal.code != "request_refused":
                raise
            raise _invalid_cursor(list_id) from None

    def members_among(
        self, list_id: str, emails: Iterable[str], deadline: Deadline, *, external_ids: bool = False
    ) -> list[Person]:
        """The members of a list who have one of these addresses (GET /api/lists/{id}/profiles).

        A member can have several addresses, and may show one that is not among these. Raises Denied if
        Klaviyo refuses a request for a single address.
        """
        with self._naming(list_id):
            path = _path(list_id)
            return look_up(self._calls, "members", path, emails, deadline, external_ids=external_ids)

    def remove_from_list(
        self, list_id: str, profile_ids: Sequence[str], deadline: Deadline, permit: Permit
    ) -> None:
        """Removes at most 1,000 profiles from a list (DELETE /api/lists/{id}/relationships/profiles).

        It changes no consent, suppresses nobody and deletes no profile. A call whose answer was lost is safe
        to repeat. Raises MembersChanged if Klaviyo does not accept some of the ids: look the people up again,
        and halve the batch if it is refused again.
        """
        path = list_path(list_id) + "/relationships/profiles"
        profiles = [{"type": "profile", "id": profile_id} for profile_id in profile_ids]
        body = JsonBody({"data": profiles}, count=len(profiles))
        try:
            self._calls.post("remove", path, body, deadline, permit, check_done, method="DELETE")
        except (BatchRefused, NotFound):
            self.read_list(list_id, deadline)  # a missing list is refused in the same way
            raise MembersChanged(
                f"Klaviyo no longer has some of the {len(profiles):,} profiles to remove from the list "
                f"{list_id!r}. Look them up again."
            ) from None


def _path(list_id: str) -> str:
    return list_path(list_id) + "/profiles"


def _is_cursor(text: str) -> bool:
    return 0 < len(text) <= LONGEST_CURSOR and is_query(text)


def _invalid_cursor(list_id: str) -> InvalidCursor:
    return InvalidCursor(
        f"Klaviyo can't continue from this place in the list {list_id!r}. Read it again from its first page."
    )
