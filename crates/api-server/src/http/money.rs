//! Amounts of money as clients see them.

/// Minor units as a decimal string: `29.00`.
pub fn decimal(minor: i64) -> String {
    let sign = if minor < 0 { "-" } else { "" };
    let minor = minor.unsigned_abs();
    format!("{sign}{}.{:02}", minor / 100, minor % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minor_units_have_two_digits() {
        assert_eq!([0, 5, 2900, -199].map(decimal), ["0.00", "0.05", "29.00", "-1.99"]);
    }
}
