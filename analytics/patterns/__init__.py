"""Patterns of messages: lines that differ in their variable parts alone are one."""
