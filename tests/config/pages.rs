//! The reference pages of the configuration files say what the code does.

use crate::page;

#[test]
fn the_page_of_the_environment_is_up_to_date() {
    page::compare("environment.md", &trueup::config::environment_page());
}

#[test]
fn the_page_of_the_context_is_up_to_date() {
    page::compare("context.md", &trueup::config::context_page());
}

#[test]
fn the_page_of_the_vault_is_up_to_date() {
    page::compare("vault.md", &trueup::config::vault_page());
}
