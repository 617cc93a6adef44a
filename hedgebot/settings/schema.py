"""The JSON Schema of the configuration file, for editors; ``config/hedgebot.schema.json`` is its dump."""

import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

from pydantic import SecretStr
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from hedgebot.settings import durations
from hedgebot.settings.fields import json_number
from hedgebot.settings.model import Settings


class _TomlSchema(GenerateJsonSchema):
    """TOML has no null and our texts have units; titles would only repeat the keys."""

    def field_title_should_be_set(self, _schema: Any) -> bool:
        return False

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        shape = super().default_schema(schema)
        return {key: value for key, value in shape.items() if key != "default" or value is not None}

    def dict_schema(self, schema: core_schema.DictSchema) -> JsonSchemaValue:
        return super().dict_schema(schema) | {"additionalProperties": False}

    def encode_default(self, dft: Any) -> Any:
        if isinstance(dft, timedelta):
            return durations.text(dft)
        if isinstance(dft, Decimal):
            return json_number(dft)
        if isinstance(dft, SecretStr):
            return dft.get_secret_value()
        return super().encode_default(dft)


def schema() -> dict[str, Any]:
    """The JSON Schema, draft 2020-12, with an explanation of every key."""
    shape = Settings.model_json_schema(schema_generator=_TomlSchema)
    about = {"title": "hedgebot.toml", "description": "The configuration of hedgebot."}
    return {"$schema": _TomlSchema.schema_dialect, **shape, **about}


def dump() -> str:
    """The schema as the text of its file."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"
