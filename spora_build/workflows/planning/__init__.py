"""Sheets and headers in, a plan or every problem at once out; no pixel is read."""
