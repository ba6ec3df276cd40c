-- Production's own requests of equal input, two by two in the order of time, each in one pair at
-- most, as `grouped` holds those of both sides. DuckDB and Spark run this text as it stands.
-- Filled in: `answers` of a record and `sides` of a pair; `first` and `end`, milliseconds.
WITH record AS (  -- a record that was delivered twice is one; without an eventId none can be told
  SELECT input_key, event_id, {answers} MIN(at_ms) AS at_ms
  FROM capture
  WHERE side = 'production' AND input_key IS NOT NULL AND event_id IS NOT NULL
    AND at_ms >= {first} AND at_ms < {end}
  GROUP BY input_key, event_id
),
numbered AS (
  SELECT record.*,
         ROW_NUMBER() OVER (PARTITION BY input_key ORDER BY at_ms, event_id) - 1 AS number
  FROM record
)
SELECT 'lone' AS state, 1 AS p_n, 1 AS s_n, MIN(at_ms) AS p_at,
       {sides}
       CAST(NULL AS STRING) AS inference_id
FROM (SELECT numbered.*, number - number % 2 AS pair,
             CASE WHEN number % 2 = 0 THEN 'production' ELSE 'shadow' END AS side
      FROM numbered) AS paired
GROUP BY input_key, pair
HAVING COUNT(*) = 2
