"""The nouns of Digest: frozen dataclasses and enums. No I/O, no clock. docs/glossary.md explains each word.

They are named per stage, so that a type says how far the data has come:

    Source -> Article -> Judgement -> Story -> Edition -> Revision -> Copy -> Delivery
"""

from digest.model.articles import Article, Evidence, Judgement, RegionTag, Related, Role, Story, Theme, ThemeTag
from digest.model.deliveries import (
    Accepted,
    Claim,
    Copy,
    Deferred,
    Delivery,
    DeliveryState,
    EncodedCopy,
    Outcome,
    Record,
    Refused,
    Reply,
    Skipped,
    Uncertain,
)
from digest.model.editions import CrossReference, Edition, EditionState, Item, LeftOut, Revision, Section, ThemeGroup
from digest.model.periods import Period, local_instant
from digest.model.publication import (
    Below,
    DigestRule,
    Grouping,
    Intake,
    Late,
    Publication,
    Rights,
    SectionRule,
    Source,
    SourceKind,
)
from digest.model.sources import Condition, SourceState
from digest.model.subscribers import Consent, Length, Preferences, Subscription, SubscriptionState, Timing

__all__ = [
    "Accepted",
    "Article",
    "Below",
    "Claim",
    "Condition",
    "Consent",
    "Copy",
    "CrossReference",
    "Deferred",
    "Delivery",
    "DeliveryState",
    "DigestRule",
    "Edition",
    "EditionState",
    "EncodedCopy",
    "Evidence",
    "Grouping",
    "Intake",
    "Item",
    "Judgement",
    "Late",
    "LeftOut",
    "Length",
    "Outcome",
    "Period",
    "Preferences",
    "Publication",
    "Record",
    "Refused",
    "RegionTag",
    "Related",
    "Reply",
    "Revision",
    "Rights",
    "Role",
    "Section",
    "SectionRule",
    "Skipped",
    "Source",
    "SourceKind",
    "SourceState",
    "Story",
    "Subscription",
    "SubscriptionState",
    "Theme",
    "ThemeGroup",
    "ThemeTag",
    "Timing",
    "Uncertain",
    "local_instant",
]
