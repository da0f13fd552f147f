"""The verbs: each takes values and returns a frozen report; none prints or asks."""
