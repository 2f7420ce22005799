//! The people of a group of buckets: what units are split by, who answers for a person on a day, who pays, and which programs
//! they are in. Read once for all measures.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Date32Array, RecordBatch, StringViewArray};
use arrow::datatypes::{DataType, Date32Type};
use datafusion::common::HashMap;

use crate::dictionary::{Dictionary, NONE};
use crate::error::{MeasureError, Result};
use crate::workbench::Workbench;

/// Texts that all measures of a run share, by what they name.
#[derive(Debug, Default)]
pub struct Dictionaries {
    /// Ids of organizations.
    pub organization: Dictionary,
    /// Ids of practitioners.
    pub practitioner: Dictionary,
    /// Ids of care coordinators.
    pub coordinator: Dictionary,
    /// Ids of payers.
    pub payer: Dictionary,
    /// Ids of programs.
    pub program: Dictionary,
    /// Age bands.
    pub age_band: Dictionary,
    /// Words for sex, race, ethnicity, language and deprivation, in the order of [`OF_PERSON`].
    pub of_person: [Dictionary; 5],
}

/// What a person is split by, beside age.
pub const OF_PERSON: [&str; 5] = ["sex", "race", "ethnicity", "language", "deprivation"];

/// A span of days or of months with a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Of {
    person: u32,
    from: i32,
    until: i32,
    code: u32,
}

/// Spans by person, all in one list.
#[derive(Debug, Default)]
struct Spans {
    list: Vec<Of>,
    /// Where a person's spans begin, and where the last person's end.
    starts: Vec<u32>,
}

impl Spans {
    fn new(mut list: Vec<Of>, people: usize) -> Self {
        list.sort_unstable();
        // A month after the other with one payer is one span.
        list.dedup_by(|next, before| {
            let same = next.person == before.person;
            let goes_on = same && next.code == before.code && before.until.checked_add(1) == Some(next.from);
            if goes_on {
                before.until = next.until;
            }
            goes_on
        });
        list.shrink_to_fit();
        let mut starts = Vec::with_capacity(people + 1);
        let mut place = 0;
        for person in 0..=people {
            while list.get(place).is_some_and(|of| (of.person as usize) < person) {
                place += 1;
            }
            starts.push(u32::try_from(place).unwrap_or(u32::MAX));
        }
        Self { list, starts }
    }

    /// Codes of a person's spans that hold a day or month.
    fn on(&self, person: u32, at: i32) -> impl Iterator<Item = u32> + '_ {
        let range = self.starts.get(person as usize).zip(self.starts.get(person as usize + 1));
        let of = range.map_or(&[][..], |(start, end)| &self.list[*start as usize..*end as usize]);
        of.iter().filter(move |of| (of.from..=of.until).contains(&at)).map(|of| of.code)
    }
}

/// The people of a group of buckets.
#[derive(Debug, Default)]
pub struct People {
    places: HashMap<Arc<str>, u32>,
    /// Ids in order, and for each person the place in it.
    sorted: Vec<Arc<str>>,
    rank: Vec<u32>,
    birth: Vec<Option<i32>>,
    of_person: [Vec<u32>; 5],
    primary: Vec<u32>,
    coordinator: Vec<u32>,
    /// Who answers for a person over time, where the lake knows; else the person's primary practitioner and coordinator.
    spans: Option<[Spans; 2]>,
    programs: Spans,
    /// The payer named for a person by month, and all of the person's payers.
    payer: Spans,
    payers: Spans,
    /// The organization of each practitioner.
    site: HashMap<u32, u32>,
}

/// A text column by name; all null where there is none.
pub fn texts(batch: &RecordBatch, name: &str) -> Result<StringViewArray> {
    Ok(column(batch, name, &DataType::Utf8View)?.as_string_view().clone())
}

/// A date column by name; all null where there is none.
pub fn dates(batch: &RecordBatch, name: &str) -> Result<Date32Array> {
    Ok(column(batch, name, &DataType::Date32)?.as_primitive::<Date32Type>().clone())
}

/// A column by name as a type; all null where there is none.
pub fn column(batch: &RecordBatch, name: &str, kind: &DataType) -> Result<ArrayRef> {
    match batch.column_by_name(name) {
        Some(found) => {
            let options = arrow::compute::CastOptions { safe: false, ..Default::default() };
            arrow::compute::cast_with_options(found, kind, &options)
                .map_err(|error| MeasureError::engine(format!("the column {name}"), error))
        }
        None => Ok(arrow::array::new_null_array(kind, batch.num_rows())),
    }
}

impl People {
    /// Reads the people of a workbench whose views are prepared.
    ///
    /// # Errors
    /// When a view cannot be read.
    pub async fn read(bench: &Workbench, names: &Dictionaries) -> Result<Self> {
        let months: HashMap<i32, i32> = bench.span.months().into_iter().map(crate::span::days).zip(0..).collect();
        let mut people = Self::default();
        bench.each("select * from prepared.person", |batch| people.add_persons(batch, names)).await?;
        let (mut primary, mut coordinator) = (Vec::new(), Vec::new());
        if bench.holds("attribution") {
            let text = "select patient_id, role, practitioner_id, valid_from, valid_until from prepared.attribution";
            bench
                .each(text, |batch| {
                    let (roles, ids) = (texts(batch, "role")?, texts(batch, "practitioner_id")?);
                    let has_role = |role: &str| roles.iter().map(|found| found == Some(role)).collect::<Vec<_>>();
                    let codes = names.practitioner.codes(&ids);
                    people.add_spans(&mut primary, batch, &codes, &has_role("primary"))?;
                    let codes = names.coordinator.codes(&ids);
                    people.add_spans(&mut coordinator, batch, &codes, &has_role("coordinator"))
                })
                .await?;
        }
        let (mut programs, mut payer, mut payers) = (Vec::new(), Vec::new(), Vec::new());
        let text = "select patient_id, program_id, valid_from, valid_until from prepared.program_members";
        bench
            .each(text, |batch| {
                let codes = names.program.codes(&texts(batch, "program_id")?);
                people.add_spans(&mut programs, batch, &codes, &vec![true; codes.len()])
            })
            .await?;
        bench
            .each("select patient_id, month, payer_id from prepared.member_months", |batch| {
                let codes = names.payer.codes(&as_groups(&texts(batch, "payer_id")?));
                people.add_months(&mut payer, batch, &codes, &months)
            })
            .await?;
        bench
            .each("select patient_id, month, payer_id from prepared.payer_months", |batch| {
                let codes = names.payer.codes(&texts(batch, "payer_id")?);
                people.add_months(&mut payers, batch, &codes, &months)
            })
            .await?;
        bench
            .each("select practitioner_id, organization_id from lake.practitioner", |batch| {
                let practitioners = names.practitioner.codes(&texts(batch, "practitioner_id")?);
                let organizations = names.organization.codes(&texts(batch, "organization_id")?);
                people.site.extend(practitioners.into_iter().zip(organizations));
                Ok(())
            })
            .await?;
        let count = people.birth.len();
        people.spans = bench.holds("attribution").then(|| [Spans::new(primary, count), Spans::new(coordinator, count)]);
        people.programs = Spans::new(programs, count);
        people.payer = Spans::new(payer, count);
        people.payers = Spans::new(payers, count);
        people.sort();
        Ok(people)
    }

    fn place(&mut self, id: &str) -> u32 {
        if let Some(place) = self.places.get(id) {
            return *place;
        }
        let place = u32::try_from(self.birth.len()).unwrap_or(NONE);
        let id: Arc<str> = id.into();
        self.sorted.push(Arc::clone(&id));
        self.places.insert(id, place);
        self.birth.push(None);
        for codes in self.of_person.iter_mut().chain([&mut self.primary, &mut self.coordinator]) {
            codes.push(NONE);
        }
        place
    }

    fn add_persons(&mut self, batch: &RecordBatch, names: &Dictionaries) -> Result<()> {
        let (ids, births) = (texts(batch, "patient_id")?, dates(batch, "birth_date")?);
        let primary = names.practitioner.codes(&texts(batch, "primary_practitioner_id")?);
        let coordinator = names.coordinator.codes(&texts(batch, "coordinator_id")?);
        let mut groups = Vec::new();
        for (name, dictionary) in OF_PERSON.iter().zip(&names.of_person) {
            groups.push(dictionary.codes(&texts(batch, name)?));
        }
        for (row, id) in ids.iter().enumerate() {
            let Some(id) = id else { continue };
            let place = self.place(id) as usize;
            self.birth[place] = births.is_valid(row).then(|| births.value(row));
            self.primary[place] = primary[row];
            self.coordinator[place] = coordinator[row];
            for (codes, groups) in self.of_person.iter_mut().zip(&groups) {
                codes[place] = groups[row];
            }
        }
        Ok(())
    }

    fn add_spans(&mut self, spans: &mut Vec<Of>, batch: &RecordBatch, codes: &[u32], wanted: &[bool]) -> Result<()> {
        let (from, until) = (dates(batch, "valid_from")?, dates(batch, "valid_until")?);
        for (row, id) in texts(batch, "patient_id")?.iter().enumerate() {
            let Some(id) = id.filter(|_| wanted[row] && from.is_valid(row) && until.is_valid(row)) else { continue };
            let person = self.place(id);
            spans.push(Of { person, from: from.value(row), until: until.value(row), code: codes[row] });
        }
        Ok(())
    }

    fn add_months(
        &mut self,
        spans: &mut Vec<Of>,
        batch: &RecordBatch,
        codes: &[u32],
        months: &HashMap<i32, i32>,
    ) -> Result<()> {
        let days = dates(batch, "month")?;
        for (row, id) in texts(batch, "patient_id")?.iter().enumerate() {
            let month = days.is_valid(row).then(|| months.get(&days.value(row))).flatten();
            let (Some(id), Some(month)) = (id, month) else { continue };
            let person = self.place(id);
            spans.push(Of { person, from: *month, until: *month, code: codes[row] });
        }
        Ok(())
    }

    fn sort(&mut self) {
        self.sorted.sort_unstable();
        self.rank = vec![0; self.sorted.len()];
        for (rank, id) in (0..).zip(&self.sorted) {
            if let Some(place) = self.places.get(id) {
                self.rank[*place as usize] = rank;
            }
        }
    }

    /// The places of people by id; [`NONE`] for an id that nothing is known of.
    #[must_use]
    pub fn places(&self, ids: &StringViewArray) -> Vec<u32> {
        ids.iter().map(|id| id.and_then(|id| self.places.get(id).copied()).unwrap_or(NONE)).collect()
    }

    /// A number by which people are in the order of their ids. It is odd for those known here, and even for others.
    #[must_use]
    pub fn order(&self, place: u32, id: &str) -> u64 {
        match self.rank.get(place as usize) {
            Some(rank) => 2 * u64::from(*rank) + 1,
            None => 2 * self.sorted.partition_point(|known| known.as_ref() < id) as u64,
        }
    }

    /// Date of birth.
    #[must_use]
    pub fn birth(&self, place: u32) -> Option<i32> {
        self.birth.get(place as usize).copied().flatten()
    }

    /// The code of what a person is split by, in the order of [`OF_PERSON`].
    #[must_use]
    pub fn of_person(&self, which: usize, place: u32) -> u32 {
        self.of_person[which].get(place as usize).copied().unwrap_or(NONE)
    }

    /// The practitioner who answers for a person on a day.
    #[must_use]
    pub fn primary(&self, place: u32, day: Option<i32>) -> u32 {
        self.answers(0, &self.primary, place, day)
    }

    /// The coordinator who answers for a person on a day.
    #[must_use]
    pub fn coordinator(&self, place: u32, day: Option<i32>) -> u32 {
        self.answers(1, &self.coordinator, place, day)
    }

    fn answers(&self, which: usize, always: &[u32], place: u32, day: Option<i32>) -> u32 {
        match &self.spans {
            Some(spans) => day.and_then(|day| spans[which].on(place, day).next()).unwrap_or(NONE),
            None => always.get(place as usize).copied().unwrap_or(NONE),
        }
    }

    /// The organization of a practitioner.
    #[must_use]
    pub fn site(&self, practitioner: u32) -> u32 {
        self.site.get(&practitioner).copied().unwrap_or(NONE)
    }

    /// The payer named for a person in a month of the span, by the month's place.
    #[must_use]
    pub fn payer(&self, place: u32, month: u32) -> u32 {
        i32::try_from(month).ok().and_then(|month| self.payer.on(place, month).next()).unwrap_or(NONE)
    }

    /// Every payer that covers a person in a month of the span, by the month's place; [`NONE`] alone where none does.
    pub fn payers(&self, place: u32, month: u32) -> impl Iterator<Item = u32> + '_ {
        let month = i32::try_from(month).unwrap_or(-1);
        let mut found = self.payers.on(place, month).peekable();
        let nobody = found.peek().is_none().then_some(NONE);
        found.chain(nobody)
    }

    /// The programs that a person is in on a day.
    pub fn programs(&self, place: u32, day: i32) -> impl Iterator<Item = u32> + '_ {
        self.programs.on(place, day)
    }
}

/// Texts of the extracts as names of groups. One of more than 100 letters, or an address, is a remark on somebody and no group.
pub fn as_groups(texts: &StringViewArray) -> StringViewArray {
    let is_group = |text: &str| {
        // A text of at most 100 bytes has at most 100 letters.
        (text.len() <= 100 || text.chars().count() <= 100) && !text.contains('@')
    };
    if texts.iter().flatten().all(is_group) {
        return texts.clone();
    }
    texts.iter().map(|text| text.filter(|text| is_group(text))).collect()
}
