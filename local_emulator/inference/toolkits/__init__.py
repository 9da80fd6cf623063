"""AWS's inference toolkits: which functions of a script are called, with what, and what becomes of their results and failures."""
