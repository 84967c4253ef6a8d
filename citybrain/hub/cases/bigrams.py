"""The SQL that makes search words: the same cut as `search.tokens`, as an immutable function."""

from citybrain.hub.cases.search import BETWEEN_RANGES

CREATE = rf"""
CREATE OR REPLACE FUNCTION cases_bigrams(body text) RETURNS tsvector
LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT AS $$
  SELECT coalesce(array_to_tsvector(array_agg(DISTINCT pair)), ''::tsvector)
  FROM (
    SELECT substr(run, place, 2) AS pair
    FROM regexp_split_to_table(lower(left(body, 4300)), '[{BETWEEN_RANGES}]+') AS run,
         generate_series(1, greatest(length(run) - 1, 1)) AS place
    WHERE run <> ''
  ) pairs
$$
"""
DROP = "DROP FUNCTION cases_bigrams(text)"
