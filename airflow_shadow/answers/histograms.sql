-- How many scores of compared values are in which bin, over the view `place` of `sums.sql`: of
-- production (side 0), of the shadow (1), and of shadow minus production (2). A bin is as wide as
-- two to the power of `exponent`. DuckDB and Spark run this text as it stands.
-- Filled in: `exponents`, of the bins of a number x, and `scale`, by what it is multiplied.
SELECT side, exponent, CAST(FLOOR(x * {scale}) AS BIGINT) AS bin, COUNT(*) AS n
FROM (SELECT side, x, {exponents} AS exponent
      FROM (SELECT side, CASE side WHEN 0 THEN p WHEN 1 THEN s ELSE s - p END AS x
            FROM (SELECT CAST(NULLIF(p, '') AS DOUBLE) AS p, CAST(NULLIF(s, '') AS DOUBLE) AS s
                  FROM place WHERE p <> '' AND s <> '') AS typed
            CROSS JOIN (SELECT 0 AS side UNION ALL SELECT 1 UNION ALL SELECT 2) AS sides) AS three
     ) AS sized
GROUP BY side, exponent, CAST(FLOOR(x * {scale}) AS BIGINT)
ORDER BY side, exponent, bin
