//! Aggregates against plain maps over random rows, splits and lanes.
