//! Sorting by a small number, such as a shard, in time that grows with the rows alone.

/// The positions of values by group, ascending within each group, and where each of `groups` groups begins: one more than there are.
pub(crate) fn counting_sort<G: Copy + Into<u32>>(of_value: &[G], groups: usize) -> (Vec<u32>, Vec<u32>) {
    let mut starts = vec![0_u32; groups + 1];
    of_value.iter().for_each(|group| starts[(*group).into() as usize + 1] += 1);
    (0..groups).for_each(|group| starts[group + 1] += starts[group]);
    let mut next = starts.clone();
    let mut order = vec![0_u32; of_value.len()];
    for (at, group) in of_value.iter().enumerate() {
        let slot = &mut next[(*group).into() as usize];
        order[*slot as usize] = at as u32;
        *slot += 1;
    }
    debug_assert_eq!(next[..groups], starts[1..], "every group is full");
    (order, starts)
}
