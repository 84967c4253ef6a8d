"""The SQL that makes search words: the same cut as `search.tokens`, and the triggers that keep a case's words."""

from citybrain.base.words import BETWEEN_RANGES

# array_to_tsvector sorts and drops repeats itself: a DISTINCT here would double the cost.
CREATE = rf"""
CREATE OR REPLACE FUNCTION cases_bigrams(body text) RETURNS tsvector
LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT AS $$
  SELECT coalesce(array_to_tsvector(array_agg(pair)), ''::tsvector)
  FROM (
    SELECT substr(run, place, 2) AS pair
    FROM regexp_split_to_table(lower(left(body, 4300)), '[{BETWEEN_RANGES}]+') AS run,
         generate_series(1, greatest(length(run) - 1, 1)) AS place
    WHERE run <> ''
  ) pairs
$$
"""
DROP = "DROP FUNCTION cases_bigrams(text)"

# An INSERT may bring its words along (bulk.py makes them by `search.words`); an UPDATE never can.
KEEP = """
ALTER TABLE cases_case ALTER COLUMN words DROP EXPRESSION;
CREATE FUNCTION cases_words() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.words := cases_bigrams(NEW.number || ' ' || NEW.address || ' ' || NEW.description);
  RETURN NEW;
END $$;
CREATE TRIGGER case_words_new BEFORE INSERT ON cases_case
  FOR EACH ROW WHEN (NEW.words IS NULL) EXECUTE FUNCTION cases_words();
CREATE TRIGGER case_words_changed BEFORE UPDATE OF number, address, description, words ON cases_case
  FOR EACH ROW EXECUTE FUNCTION cases_words();
"""
