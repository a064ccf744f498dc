package com.example.risk;

import org.apache.flink.table.functions.ScalarFunction;

/** SQL function risk_score(amount, country): how risky an order is, from 0 to 100. */
public final class RiskScore extends ScalarFunction {

    private static final long serialVersionUID = 1L;

    /** Orders from here on count as large. */
    static final double LARGE = 1000.0;

    public Integer eval(Double amount, String country) {
        if (amount == null || amount < 0) {
            return 100;
        }
        double score = 50.0 * Math.min(amount / LARGE, 1.0);
        if (country == null || country.isEmpty()) {
            score += 50;
        } else if (!country.equals("DE") && !country.equals("FR")) {
            score += 20;
        }
        return (int) Math.round(score);
    }
}
