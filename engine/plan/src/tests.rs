//! Planning: what runs, what is refused, and with which words.
