"""How the taggers' weights are made and measured: `python -m training`. Needs the tests' requirements."""
