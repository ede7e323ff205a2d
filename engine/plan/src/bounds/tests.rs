//! Bounds from conditions, as Spark derives them.
