"""Configs: all that a run depends on. One validation for form, command line, API and tests."""

from engine.schema.profile_config import ProfileConfig
from engine.schema.quantize_config import QuantizeConfig
from engine.schema.search_config import SearchConfig

# Every kind of run. A new algorithm adds its config here.
Config = QuantizeConfig | SearchConfig | ProfileConfig
