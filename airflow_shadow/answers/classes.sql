-- Which classes production and the shadow gave to the same values, over the view `place` of
-- `sums.sql`. DuckDB and Spark run this text as it stands; NULL is any class that is not named.
-- Filled in: `letters` of a name at most, `least` answers that bear it, `most` names.
WITH cell AS (
  SELECT p, s, COUNT(*) AS n FROM place WHERE p <> '' AND s <> '' GROUP BY p, s
),
counted AS (
  SELECT name, SUM(n) AS answers
  FROM (SELECT p AS name, n FROM cell UNION ALL SELECT s, n FROM cell) AS side
  WHERE LENGTH(name) <= {letters}
  GROUP BY name
),
named AS (
  SELECT name FROM counted WHERE answers >= {least} ORDER BY answers DESC, name LIMIT {most}
)
SELECT of_p.name AS p, of_s.name AS s, CAST(SUM(cell.n) AS BIGINT) AS n
FROM cell
LEFT JOIN named AS of_p ON of_p.name = cell.p
LEFT JOIN named AS of_s ON of_s.name = cell.s
GROUP BY of_p.name, of_s.name
ORDER BY n DESC, p, s
