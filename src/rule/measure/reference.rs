//! Every measure against values that other programs worked out.
//!
//! The figures are made up; the values are those of Python 3.11 with pandas 3.1 (`pct_change`, `diff`, `rolling`,
//! `asof`, `groupby`), NumPy 2.4 (`std(ddof=1)`, `median`) and SciPy 1.17 (`linregress`, `median_abs_deviation`,
//! `percentileofscore(kind="weak")`), to all their digits.

use super::super::evidence::Value;
use super::super::testing::{history, read_with};
use crate::series::derive::group;
use crate::series::{History, Labels};

/// Each line: a measure, `@` a period, `=` its value but for the noise of its last digits.
#[track_caller]
fn check(history: &History, table: &str) {
    for line in table.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (question, expected) = line.rsplit_once(" = ").unwrap();
        let (text, at) = question.rsplit_once(" @ ").unwrap();
        let expected: f64 = expected.parse().unwrap();
        let found = match read_with(history, text, at, None).value {
            Value::Ratio(value) | Value::Quantity(value, _) | Value::Count(value) => value,
            other => panic!("{text} @ {at} is {other}"),
        };
        assert!(
            (found - expected).abs() <= 1e-11 * expected.abs().max(1.0),
            "{text} @ {at} is {found}, not {expected}"
        );
    }
}

const MONTHS: &str = "\
    2023-01=380.2 2023-02=461.5 2023-03=358.3 2023-04=645.4 2023-05=773.0 2023-06=441.3 2023-07=398.8 \
    2023-08=453.1 2023-09=374.2 2023-10=394.3 2023-11=311.8 2023-12=397.8 2024-01=567.6 2024-02=502.6 \
    2024-03=508.4 2024-04=552.1 2024-05=652.5 2024-06=648.7 2024-07=685.5 2024-08=538.3 2024-09=672.2 \
    2024-10=419.5 2024-11=432.4 2024-12=574.0 2025-01=574.7 2025-02=650.7 2025-03=672.2 2025-04=626.7 \
    2025-05=716.3 2025-06=708.4 2025-07=524.2 2025-08=582.6 2025-09=512.7 2025-10=395.4 2025-11=541.0 \
    2025-12=558.2";

#[test]
fn every_measure_of_months() {
    check(
        &history("t", MONTHS),
        "
        value                   @ 2025-12 = 558.2
        lag(7)                  @ 2025-12 = 716.3
        lag(yoy, 3)             @ 2025-12 = -0.23728057125855395
        change                  @ 2025-12 = 0.031792975970425186
        change(5)               @ 2025-12 = 0.06486074017550547
        diff(4)                 @ 2025-12 = -24.399999999999977
        yoy                     @ 2025-12 = -0.027526132404181114
        change(2y)              @ 2025-12 = 0.4032176973353445
        change_since(2024-03)   @ 2025-12 = 0.09795436664044077
        drawdown(12)            @ 2025-12 = -0.22071757643445478
        runup(12)               @ 2025-12 = 0.4117349519473952
        mean(18)                @ 2025-12 = 576.9444444444445
        median(18)              @ 2025-12 = 574.35
        min(18)                 @ 2025-12 = 395.4
        max(1y)                 @ 2025-12 = 716.3
        sum(1y)                 @ 2025-12 = 7063.1
        stddev(18)              @ 2025-12 = 98.0034766623534
        zscore(24)              @ 2025-12 = -0.11184097312433199
        robust_zscore(24)       @ 2025-12 = -0.11633926857501763
        seasonal_zscore(2)      @ 2025-12 = 0.5802930792257371
        percentile(24)          @ 2025-12 = 0.45833333333333337
        slope(12)               @ 2025-12 = -0.025316445670114745
        volatility(12)          @ 2025-12 = 0.17169064985285035
        ytd                     @ 2025-12 = 7063.099999999999
        ytd_yoy                 @ 2025-12 = 0.04579644052237253
        declines                @ 2025-12 = 0
        rises                   @ 2025-12 = 2
        declines(3%)            @ 2025-12 = 0
        streak(value > mean(6)) @ 2025-12 = 1
        value                   @ 2025-06 = 708.4
        lag(7)                  @ 2025-06 = 432.4
        lag(yoy, 3)             @ 2025-06 = 0.3221872541306059
        change                  @ 2025-06 = -0.01102889850621247
        change(5)               @ 2025-06 = 0.23264311814859906
        diff(4)                 @ 2025-06 = 57.69999999999993
        yoy                     @ 2025-06 = 0.09203021427470315
        change(2y)              @ 2025-06 = 0.6052571946521639
        change_since(2024-03)   @ 2025-06 = 0.3933910306845003
        drawdown(12)            @ 2025-06 = -0.01102889850621247
        runup(12)               @ 2025-06 = 0.6886769964243147
        mean(18)                @ 2025-06 = 594.5999999999999
        median(18)              @ 2025-06 = 600.7
        min(18)                 @ 2025-06 = 419.5
        max(1y)                 @ 2025-06 = 716.3
        sum(1y)                 @ 2025-06 = 7270.9
        stddev(18)              @ 2025-06 = 90.06961360035685
        zscore(24)              @ 2025-06 = 1.4965796734599996
        robust_zscore(24)       @ 2025-06 = 1.034557255137033
        seasonal_zscore(2)      @ 2025-06 = 1.1141875414260545
        percentile(24)          @ 2025-06 = 0.9583333333333335
        slope(12)               @ 2025-06 = 0.019934816314906817
        volatility(12)          @ 2025-06 = 0.20293864402836662
        ytd                     @ 2025-06 = 3949.0000000000005
        ytd_yoy                 @ 2025-06 = 0.150674553454355
        declines                @ 2025-06 = 1
        rises                   @ 2025-06 = 0
        declines(3%)            @ 2025-06 = 0
        streak(value > mean(6)) @ 2025-06 = 7
    ",
    );
}

const DAYS: &str = "\
    2025-07-01=457800 2025-07-02=449600 2025-07-04=447400 2025-07-07=438000 2025-07-08=436500 \
    2025-07-10=443100 2025-07-11=434900 2025-07-14=442100 2025-07-16=435100 2025-07-17=440400 \
    2025-07-22=444700 2025-07-23=445300 2025-07-25=441200 2025-07-28=432900 2025-07-29=433900 \
    2025-07-31=439700 2025-08-01=444900 2025-08-04=438500 2025-08-05=441600 2025-08-07=437100 \
    2025-08-08=440500 2025-08-11=441900 2025-08-13=439900 2025-08-14=442000 2025-08-19=439700 \
    2025-08-20=436400 2025-08-22=438800 2025-08-25=439100 2025-08-26=436700 2025-08-28=437200 \
    2025-08-29=443100 2025-09-01=446800 2025-09-02=445900 2025-09-04=441100 2025-09-05=441200 \
    2025-09-08=439400 2025-09-10=435400 2025-09-11=441100 2025-09-16=425400 2025-09-17=420300 \
    2025-09-19=424400 2025-09-22=422300 2025-09-23=419200 2025-09-25=417400 2025-09-26=417700 \
    2025-09-29=417700 2025-10-10=418000 2025-10-13=416500 2025-10-14=417500 2025-10-16=418200 \
    2025-10-17=419900 2025-10-20=410700 2025-10-22=417900 2025-10-23=414600 2025-10-28=425200 \
    2025-10-29=431600 2025-10-31=435700";

#[test]
fn measures_of_trading_days() {
    check(
        &history("CNY/t", DAYS),
        "
        change                   @ 2025-09-29 = 0.0
        change(10)               @ 2025-09-29 = -0.0493855257168867
        change(1mo)              @ 2025-09-29 = -0.05732340329496732
        diff(2w)                 @ 2025-09-29 = -23400.0
        change_since(2025-08-09) @ 2025-09-29 = -0.051759364358683335
        mean(20)                 @ 2025-09-29 = 432510.0
        mean(30d)                @ 2025-09-29 = 430353.3333333333
        stddev(20)               @ 2025-09-29 = 10540.393481120298
        zscore(20)               @ 2025-09-29 = -1.5789900927002376
        volatility(20)           @ 2025-09-29 = 0.010898311182940405
        slope(20)                @ 2025-09-29 = -0.003443094800885129
        drawdown(2mo)            @ 2025-09-29 = -0.06512981199641898
        percentile(20)           @ 2025-09-29 = 0.15
    ",
    );
}

const QUARTERS: &str = "\
    2023-Q1=64.2 2023-Q2=80.2 2023-Q3=76.8 2023-Q4=54.4 2024-Q1=149.1 2024-Q2=147.8 2024-Q3=148.1 \
    2024-Q4=95.4 2025-Q1=108.4 2025-Q2=112.6 2025-Q3=111.2 2025-Q4=96.2";

#[test]
fn measures_of_quarters() {
    check(
        &history("t", QUARTERS),
        "
        yoy                @ 2025-Q4 = 0.008385744234800763
        mean(1y)           @ 2025-Q4 = 107.1
        zscore(8)          @ 2025-Q4 = -0.6031590215457231
        seasonal_zscore(2) @ 2025-Q4 = 0.7347011921596809
        ytd_yoy            @ 2025-Q3 = -0.25348314606741573
        slope(1y)          @ 2025-Q4 = -0.035480859010270774
    ",
    );
}

const WEEKS: &str = "\
    2025-W20=68.7 2025-W21=105.0 2025-W22=101.1 2025-W23=105.2 2025-W24=87.4 2025-W25=78.4 \
    2025-W26=133.3 2025-W27=147.4 2025-W28=131.9 2025-W29=64.8 2025-W30=88.2 2025-W31=114.4 \
    2025-W32=98.3 2025-W33=111.7 2025-W34=52.8 2025-W35=106.7";

#[test]
fn measures_of_weeks() {
    check(
        &history("t", WEEKS),
        "
        change(4w)        @ 2025-W35 = -0.06730769230769229
        median(12w)       @ 2025-W35 = 102.5
        volatility(8)     @ 2025-W35 = 0.5018341720429037
        robust_zscore(12) @ 2025-W35 = 0.1771209156185225
    ",
    );
}

const YEARS: &str = "\
    2018=148.3 2019=143.4 2020=58.3 2021=113.0 2022=50.7 2023=112.3 2024=61.3 2025=127.6";

#[test]
fn measures_of_years() {
    check(
        &history("t", YEARS),
        "
        yoy                @ 2025 = 1.0815660685154977
        change(5y)         @ 2025 = 1.1886792452830188
        stddev(5)          @ 2025 = 34.510244855694665
        percentile(8)      @ 2025 = 0.75
        ytd                @ 2025 = 127.6
        seasonal_zscore(5) @ 2025 = 1.57135146651489
    ",
    );
}

#[test]
fn measures_of_groups() {
    let figures = [
        ("CN", "2025-09=32.07"),
        ("MY", "2025-09=21.53"),
        ("VN", "2025-09=20.13"),
        ("US", "2025-09=27.13"),
        ("DE", "2025-09=7.58"),
        ("CN", "2025-09=11.84"),
    ];
    let member =
        |(partner, figure): (&str, &str)| history("t", figure).relabelled([("partner", partner)].into_iter().collect());
    check(
        &group(Labels::default(), figures.map(member).into()).unwrap(),
        "
        share(partner='CN')   @ 2025-09 = 0.3650648486863984
        top_share(partner, 2) @ 2025-09 = 0.5906218822746924
        hhi(partner)          @ 2025-09 = 0.24816963500197792
        count                 @ 2025-09 = 6
        value                 @ 2025-09 = 120.28
    ",
    );
}

/// A measure that is missing here is one that nothing but its own tests holds.
#[test]
fn no_measure_is_left_out() {
    let own = include_str!("reference.rs");
    // What depends on the clock, on vintages or on items has no counterpart elsewhere.
    let alone = ["age", "overdue", "revision", "new", "ends_within"];
    for measure in super::MEASURES.iter().filter(|measure| !alone.contains(&measure.name)) {
        let name = measure.name;
        let told = ["(", " @", "  "].iter().any(|after| own.contains(&format!("\n        {name}{after}")));
        assert!(told, "{name} has no value to be held against");
    }
}
