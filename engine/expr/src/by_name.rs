//! Functions are equal if their names are: DataFusion compares and hashes the functions of a plan, and a registry has one of a name.

/// Makes a function equal to those of its name, and shows it by its name. The trait that has its `name()` must be in scope.
macro_rules! equal_by_name {
    ($function:ty $(, $parameter:ident: $bound:path)?) => {
        impl$(<$parameter: $bound>)? std::fmt::Debug for $function {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.name())
            }
        }

        impl$(<$parameter: $bound>)? PartialEq for $function {
            fn eq(&self, other: &Self) -> bool {
                self.name() == other.name()
            }
        }

        impl$(<$parameter: $bound>)? Eq for $function {}

        impl$(<$parameter: $bound>)? std::hash::Hash for $function {
            fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
                std::hash::Hash::hash(self.name(), state);
            }
        }
    };
}

pub(crate) use equal_by_name;
