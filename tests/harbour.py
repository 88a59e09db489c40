"""The least that makes a publication: one folder, one digest, one section. For tests that need no more."""

from __future__ import annotations

SETTINGS = """
[publication]
title = "Harbour Weekly"
url = "https://weekly.example.com"
sender = "weekly@example.com"
postal_address = "1 Harbour Road, Example City"

[[sources]]
key = "desk"
kind = "folder"
location = "incoming"

[[digests]]
key = "weekly"
title = "Harbour Report"
[[digests.sections]]
key = "elsewhere"
elsewhere = true
"""
