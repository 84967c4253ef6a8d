"""数据湖: where data sets live. Versions on disk (Apache Iceberg), the engine that queries them, serving copies."""
