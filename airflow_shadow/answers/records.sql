-- Records and pairs in each minute. DuckDB and Spark run this text as it stands.
-- Each record counts in its own minute, a pair in that of production's record.
-- Filled in: `first` and `end`, milliseconds between which records count, and `slice`, of which
-- `keyed` holds the records and `grouped` the requests beside those of others.
WITH several AS (  -- an id that was used again: which of its records belong together is not guessed
  SELECT how, join_key, p_n, s_n
  FROM grouped
  WHERE slice = {slice} AND how IN ('id', 'event') AND (p_n > 1 OR s_n > 1)
),
counted AS (
  SELECT at_ms, CASE WHEN side = 'production' THEN copies ELSE 0 END AS production,
         CASE WHEN side = 'shadow' THEN copies ELSE 0 END AS shadow,
         '' AS how, 0 AS production_only, 0 AS shadow_only, 0 AS repeated, 0 AS ambiguous
  FROM keyed
  UNION ALL
  SELECT COALESCE(p_at, s_at), 0, 0,
         CASE WHEN state = 'lone' AND p_n = 1 AND s_n = 1 THEN how ELSE '' END,
         CASE WHEN state = 'only' OR (how <> 'input' AND s_n = 0) THEN p_n ELSE 0 END,
         CASE WHEN state = 'only' OR (how <> 'input' AND p_n = 0) THEN s_n ELSE 0 END,
         repeated,
         CASE WHEN state <> 'only' AND how = 'input' AND NOT (state = 'lone' AND p_n = 1 AND s_n = 1)
              THEN p_n + s_n ELSE 0 END
  FROM grouped
  WHERE slice = {slice} AND (how IN ('input', 'none') OR (p_n <= 1 AND s_n <= 1))
  UNION ALL
  SELECT at_ms, 0, 0, '',
         CASE WHEN s_n = 0 THEN weight ELSE 0 END,
         CASE WHEN p_n = 0 THEN weight ELSE 0 END,
         CASE WHEN number > 1 THEN copies ELSE copies - 1 END,
         CASE WHEN s_n > 0 AND p_n > 0 THEN weight ELSE 0 END
  FROM (SELECT k.at_ms, k.weight, k.copies, g.p_n, g.s_n,
               ROW_NUMBER() OVER (PARTITION BY k.side, k.how, k.join_key ORDER BY k.at_ms) AS number
        FROM keyed AS k JOIN several AS g ON k.how = g.how AND k.join_key = g.join_key) AS beyond
)
SELECT CAST(FLOOR(at_ms / 60000) AS BIGINT) AS at_minute,
       CAST(SUM(production) AS BIGINT) AS production,
       CAST(SUM(shadow) AS BIGINT) AS shadow,
       COUNT(CASE WHEN how = 'id' THEN 1 END) AS pairs_id,
       COUNT(CASE WHEN how = 'event' THEN 1 END) AS pairs_event,
       COUNT(CASE WHEN how = 'input' THEN 1 END) AS pairs_input,
       CAST(SUM(production_only) AS BIGINT) AS production_only,
       CAST(SUM(shadow_only) AS BIGINT) AS shadow_only,
       CAST(SUM(repeated) AS BIGINT) AS repeated,
       CAST(SUM(ambiguous) AS BIGINT) AS ambiguous
FROM counted
WHERE at_ms >= {first} AND at_ms < {end}
GROUP BY CAST(FLOOR(at_ms / 60000) AS BIGINT)
ORDER BY at_minute
