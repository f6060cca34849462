use super::*;

#[test]
fn every_builtin_resource_with_objects_has_a_schema() {
    let groups = Registry::new().groups();
    let objects: Vec<_> = groups
        .iter()
        .flat_map(|gv| &gv.resources)
        .filter(|r| r.has_verb("get"))
        .collect();
    assert!(objects.len() > 50);
    for resource in objects {
        assert!(resource.ty.field("metadata").is_some(), "{resource:?}");
    }
}

#[test]
fn versions_are_ordered_ga_first_then_beta_then_alpha_then_the_rest() {
    let mut versions = vec![
        "v1alpha1",
        "foo1",
        "v2beta1",
        "v10",
        "v1",
        "v12alpha1",
        "v3beta1",
        "v11beta2",
    ];
    versions.sort_by_key(|v| std::cmp::Reverse(version_rank(v)));
    assert_eq!(
        versions,
        [
            "v10",
            "v1",
            "v11beta2",
            "v3beta1",
            "v2beta1",
            "v12alpha1",
            "v1alpha1",
            "foo1"
        ]
    );
}

#[test]
fn a_builtin_is_found_by_path_by_kind_and_by_collection() {
    let registry = Registry::new();
    let deployments = registry.get("apps", "v1", "deployments").unwrap();
    assert_eq!(deployments.kind, "Deployment");
    assert!(deployments.namespaced());
    assert_eq!(deployments.subresource("scale").unwrap().kind, "Scale");
    assert_eq!(
        registry.by_kind("", "v1", "Namespace").unwrap().plural,
        "namespaces"
    );
    let hpa = registry
        .any_version(&GroupResource::new(
            "autoscaling",
            "horizontalpodautoscalers",
        ))
        .unwrap();
    assert_eq!(hpa.version, "v2");
}
