//! The configuration files as a user meets them: what is refused and what is said about it, and
//! that the reference pages say what the code does.

#[cfg(test)]
#[path = "config/bad_input.rs"]
mod bad_input;
#[cfg(test)]
#[path = "config/page.rs"]
mod page;
#[path = "config/pages.rs"]
mod pages;
