"""Reads a form, as browsers encode it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from shared.api import BadRequest

# A form with a thousand checked columns has a tenth of this.
LONGEST_FORM = 262_144
MOST_FIELDS = 5_000
MEDIA_TYPE = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Form:
    """The fields of a form, each with its values in order."""

    fields: Mapping[str, list[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, content: bytes, media_type: str = MEDIA_TYPE) -> "Form":
        """Raises BadRequest if the content is not a form or too large."""
        if len(content) > LONGEST_FORM:
            raise BadRequest("The form is too long.", status=413, code="too_large")
        if media_type.partition(";")[0].strip().lower() != MEDIA_TYPE:
            raise BadRequest("The body must be a form.", status=415, code="not_a_form")
        try:
            pairs = parse_qsl(content.decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS)
        except ValueError:
            raise BadRequest("The form can't be read.") from None
        fields: dict[str, list[str]] = {}
        for name, value in pairs:
            fields.setdefault(name, []).append(value)
        return cls(fields)

    def text(self, name: str) -> str:
        """The first value of a field, trimmed; blank if it has none."""
        return next(iter(self.fields.get(name, ())), "").strip()

    def many(self, name: str) -> list[str]:
        """The values of a field, without blank ones."""
        return [value for value in self.fields.get(name, ()) if value.strip()]

    def lines(self, name: str) -> list[str]:
        """The lines of a field, trimmed, without blank ones."""
        return [line.strip() for line in self.text(name).splitlines() if line.strip()]

    def is_on(self, name: str) -> bool:
        """Whether a box is checked."""
        return name in self.fields
