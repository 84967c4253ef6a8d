"""12345: what citizens tell the city. So far the reading of messages; tickets and screens stand on it later."""
