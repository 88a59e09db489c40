"""The campaign: headers, claim, send, record, retry, pace; SMTP and Maildir.

Knows nothing of SQL: it speaks to a `Ledger`, which `digest.store` fits.
"""
