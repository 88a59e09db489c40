"""digest.toml and the environment -> one frozen object, read once.

    defaults  <  digest.toml  <  the desk  <  environment (DIGEST_<SECTION>_<NAME>, or …_FILE for secrets)

Every setting knows where its value came from (`Settings.origins`), so that `digest check` can tell. What is wrong is
collected, not reported one at a time. docs/settings.md is made from it by tools/settings_page.py.
"""

from digest.settings.reading import DESK, OTHER_VARIABLES, load, variable
from digest.settings.shipped import shipped
from digest.settings.tables import (
    CHANGEABLE,
    FILE,
    LISTS,
    SECRETS,
    TABLES,
    BounceSettings,
    ClassifySettings,
    ConsoleSettings,
    DeliverySettings,
    DkimSettings,
    DomainLimit,
    EngineSettings,
    FeedSettings,
    FetchSettings,
    InboxSettings,
    LinkSettings,
    LogFormat,
    LogLevel,
    Mail,
    OperationsSettings,
    Paths,
    PlaceSettings,
    SecondFactor,
    Security,
    Settings,
    StoreSettings,
    Uncertain,
    WebSettings,
)

__all__ = [
    "CHANGEABLE",
    "DESK",
    "FILE",
    "LISTS",
    "OTHER_VARIABLES",
    "SECRETS",
    "TABLES",
    "BounceSettings",
    "ClassifySettings",
    "ConsoleSettings",
    "DeliverySettings",
    "DkimSettings",
    "DomainLimit",
    "EngineSettings",
    "FeedSettings",
    "FetchSettings",
    "InboxSettings",
    "LinkSettings",
    "LogFormat",
    "LogLevel",
    "Mail",
    "OperationsSettings",
    "Paths",
    "PlaceSettings",
    "SecondFactor",
    "Security",
    "Settings",
    "StoreSettings",
    "Uncertain",
    "WebSettings",
    "load",
    "shipped",
    "variable",
]
