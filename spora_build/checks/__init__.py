"""The rules of the format: one small object each, found by itself.

A rule is a function of the dataset's view, decorated with :func:`spora_build.checks.core.rule`, in a module of this
package. Its docstring is the message that a person reads; see ``docs/checks.md`` for all of them.
"""
