"""Arrays in, arrays out: numerical methods that know no battery word."""
