/// The scale of a source, and how its site writes a figure on it.
package struct ScoreScale: Sendable, Hashable {
    /// How the figure is written.
    package enum Unit: Sendable, Hashable {
        /// "7.5/10"
        case outOfTop
        /// "83%"
        case percent
        /// A bare figure that is not a rating.
        case figure
    }

    /// The highest figure; 0 if the source has no scale.
    package let top: Int64
    /// The number of decimals that the source shows, 0 to 2.
    package let shownDecimals: Int
    package let unit: Unit

    package init(top: Int64, shownDecimals: Int, unit: Unit) {
        self.top = top
        self.shownDecimals = shownDecimals
        self.unit = unit
    }

    /// Returns the figure in hundredths of a point on the scale of 0 to 100; nil if the source has no scale.
    ///
    /// Linear, exact, rounded half away from zero; a figure outside the scale gives a result outside 0 … 10 000.
    package func scoreHundredths(_ figure: NativeFigure) -> Int64? {
        guard top > 0 else { return nil }
        return figure.scaled(by: 10_000 / top, over: NativeFigure.one)
    }

    /// Returns the figure as the source shows it, such as "7.5/10", "83%", or "150979".
    package func shown(_ figure: NativeFigure) -> String {
        let text = figure.description(decimals: shownDecimals)
        switch unit {
        case .outOfTop: return "\(text)/\(top)"
        case .percent: return "\(text)%"
        case .figure: return text
        }
    }
}
