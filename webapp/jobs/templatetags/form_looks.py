"""The look of form widgets that somebody else declared."""

from django import template
from django.forms import BoundField
from django.utils.safestring import SafeString

register = template.Library()


@register.filter
def with_class(field: BoundField, look: str) -> SafeString:
    """Return a field's widget with a CSS class."""
    return field.as_widget(attrs={"class": look})
