"""Files of impedance instruments: one module a family of formats, all reduced to tables with headings."""
