"""Digest turns the news that a desk follows into a weekly report: e-mail, RSS, Atom and JSON feeds.

The sentence that the code reads like, and the modules in its order:

    pick up | classify | compose | render | deliver + publish

See docs/glossary.md for the words and docs/architecture.md for the tree and its arrows.
"""
