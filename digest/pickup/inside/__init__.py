"""The parsers that read hostile documents. They run in the jail's child, are called by name, and imported by nobody.

Each is `function(data, **arguments) -> JSON`: data are bytes in UTF-8; a document that cannot be used is a value with
"problem" and "line", not an exception. So feedparser, lxml, trafilatura, markdown-it and yaml never load in the parent.
"""
