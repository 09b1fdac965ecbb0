pub(crate) const SCENARIOS: &[veneer_tests::scenario::Scenario] = &[];
