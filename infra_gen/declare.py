"""How a template's parameters are declared: always typed, described, and limited to what can work."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from typing import Any  # Any: troposphere has no types

from troposphere import Equals, Not, Output, Parameter, Ref, Template

from infra_gen.tags import tag_everything


def text(name: str, description: str, **limits: Any) -> Any:
    """A string. `limits` are troposphere's: Default, AllowedValues, AllowedPattern, MinLength, NoEcho ..."""
    return Parameter(name, Type="String", Description=description, **limits)


def optional(name: str, description: str, **limits: Any) -> Any:
    """A string that may be empty, which means: without it."""
    return text(name, description, Default="", **limits)


def number(name: str, description: str, *, default: int, least: int, most: int) -> Any:
    return Parameter(name, Type="Number", Description=description, Default=default, MinValue=least, MaxValue=most)


def choice(name: str, description: str, *values: str) -> Any:
    """The first value is the default."""
    return text(name, description, Default=values[0], AllowedValues=list(values))


def switch(name: str, description: str, *, default: bool = False) -> Any:
    return text(name, description, Default="true" if default else "false", AllowedValues=["true", "false"])


def several(name: str, description: str, **limits: Any) -> Any:
    """Words with commas between them."""
    return Parameter(name, Type="CommaDelimitedList", Description=description, **limits)


def begin(description: str, parameters: Any) -> Any:
    """An empty template with every parameter of the dataclass `parameters` declared."""
    template = Template(Description=description)
    template.set_version()
    for field in fields(parameters):
        value = getattr(parameters, field.name)
        if isinstance(value, Parameter):
            template.add_parameter(value)
    return template


def is_on(template: Any, condition: str, parameter: Any) -> str:
    template.add_condition(condition, Equals(Ref(parameter), "true"))
    return condition


def is_given(template: Any, condition: str, parameter: Any) -> str:
    template.add_condition(condition, Not(Equals(Ref(parameter), "")))
    return condition


def finish(template: Any, outputs: Iterable[tuple[str, str, Any]]) -> Any:
    """Adds (name, description, value) as outputs and tags everything that can be tagged."""
    for name, description, value in outputs:
        template.add_output(Output(name, Description=description, Value=value))
    tag_everything(template)
    return template
