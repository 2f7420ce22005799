//! The invented health system: organizations and practitioners.

use crate::codes::SPECIALTIES;
use crate::error::SampleError;
use crate::extracts::Extracts;
use crate::layout::Table;
use crate::random::{Random, Stream};
use crate::value::Value;

/// Hospitals, by name.
const HOSPITALS: [&str; 4] = ["Hillview Hospital", "Lakeside Hospital", "Northgate Hospital", "Valley Hospital"];
/// Clinics, three for each hospital in turn.
const CLINICS: [&str; 12] = [
    "Riverside Clinic",
    "Oak Street Clinic",
    "Summit Clinic",
    "Harbor Clinic",
    "Meadow Clinic",
    "Old Mill Clinic",
    "Cedar Clinic",
    "Station Road Clinic",
    "Garden City Clinic",
    "Westfield Clinic",
    "Bridge Street Clinic",
    "Orchard Clinic",
];
const GIVEN_NAMES: [&str; 16] = [
    "Ada", "Ben", "Carla", "David", "Elena", "Frank", "Grace", "Hugo", "Iris", "Jonas", "Karen", "Luis", "Maya",
    "Noah", "Olga", "Paul",
];
const FAMILY_NAMES: [&str; 24] = [
    "Abbot", "Baker", "Castillo", "Dunn", "Ellis", "Fisher", "Gupta", "Hale", "Ito", "Jensen", "Keller", "Lopez",
    "Marsh", "Nolan", "Okafor", "Park", "Quinn", "Reyes", "Stone", "Tran", "Usher", "Vance", "Wells", "Young",
];

/// Care coordinators in the system.
const COORDINATORS: u32 = 6;
/// Patients of the smallest staff; it grows with the cube root of the population beyond.
const SMALL: u64 = 4_000;

/// How each clinic stands to the others, as a change in log odds of a referral step: most alike, one clearly worse.
const CLINIC_CLOSURE: [f64; 12] = [0.1, 0.0, -0.1, 0.1, 0.0, -0.55, 0.0, 0.15, 0.05, -0.1, 0.1, 0.0];
/// How each hospital stands to the others, as a change in log odds of readmission: one clearly worse.
const HOSPITAL_READMISSION: [f64; 4] = [-0.05, 0.0, 0.25, -0.1];

/// The numbers behind identifiers of organizations: 1 is the system, then the hospitals, then the clinics.
const FIRST_HOSPITAL: u32 = 2;
const FIRST_CLINIC: u32 = 6;

/// Organizations and practitioners.
#[derive(Debug)]
pub(crate) struct Directory {
    seed: u64,
    /// Physicians in each clinic, specialists in each specialty and hospitalists in each hospital, for each member of
    /// the smallest staff.
    growth: u32,
}

impl Directory {
    pub(crate) fn new(seed: u64, patients: u64) -> Self {
        let growth = (1..100_u32).take_while(|n| u64::from(*n).pow(3) * SMALL <= patients.max(SMALL)).last();
        Self { seed, growth: growth.unwrap_or(1) }
    }

    /// Whether the program runs in a clinic: in every second one, so that each hospital has clinics of both kinds.
    pub(crate) fn has_program(clinic: usize) -> bool {
        clinic.is_multiple_of(2)
    }

    /// Number of clinics.
    pub(crate) const CLINICS: usize = CLINICS.len();

    /// The organization of the whole system.
    pub(crate) const SYSTEM: u32 = 1;

    /// The organization of a clinic.
    pub(crate) fn clinic(clinic: usize) -> u32 {
        FIRST_CLINIC + u32::try_from(clinic).unwrap_or(0)
    }

    /// The organization of a hospital.
    pub(crate) fn hospital(hospital: usize) -> u32 {
        FIRST_HOSPITAL + u32::try_from(hospital).unwrap_or(0)
    }

    /// The hospital that a clinic belongs to.
    pub(crate) fn hospital_of(clinic: usize) -> usize {
        clinic / 3
    }

    /// A hospital other than this one.
    pub(crate) fn other_hospital(hospital: usize, random: &mut Random) -> usize {
        let step = usize::try_from(random.between(1, 3)).unwrap_or(1);
        (hospital + step) % HOSPITALS.len()
    }

    /// How a clinic stands to the others in closing referrals, as a change in log odds.
    pub(crate) fn closure(clinic: usize) -> f64 {
        CLINIC_CLOSURE[clinic]
    }

    /// How a hospital stands to the others in readmissions, as a change in log odds.
    pub(crate) fn readmission(hospital: usize) -> f64 {
        HOSPITAL_READMISSION[hospital]
    }

    fn any(&self, first: u32, small: u32, random: &mut Random) -> u32 {
        let members = i64::from(small * self.growth);
        first + u32::try_from(random.between(0, members - 1)).unwrap_or(0)
    }

    /// A physician of a clinic.
    pub(crate) fn physician(&self, clinic: usize, random: &mut Random) -> u32 {
        self.any(1 + u32::try_from(clinic).unwrap_or(0) * 3 * self.growth, 3, random)
    }

    fn first_specialist(&self) -> u32 {
        1 + 12 * 3 * self.growth
    }

    /// A specialist, by the position of the specialty in [`SPECIALTIES`].
    pub(crate) fn specialist(&self, specialty: usize, random: &mut Random) -> u32 {
        self.any(self.first_specialist() + u32::try_from(specialty).unwrap_or(0) * 3 * self.growth, 3, random)
    }

    /// The hospital at which a specialist sees people.
    pub(crate) fn hospital_of_specialist(&self, specialist: u32) -> usize {
        usize::try_from((specialist - self.first_specialist()) % 4).unwrap_or(0)
    }

    fn first_hospitalist(&self) -> u32 {
        self.first_specialist() + 10 * 3 * self.growth
    }

    /// A physician of a hospital's wards.
    pub(crate) fn hospitalist(&self, hospital: usize, random: &mut Random) -> u32 {
        self.any(self.first_hospitalist() + u32::try_from(hospital).unwrap_or(0) * 2 * self.growth, 2, random)
    }

    /// The coordinator who looks after a clinic's people.
    pub(crate) fn coordinator(&self, clinic: usize) -> u32 {
        self.first_hospitalist() + 4 * 2 * self.growth + u32::try_from(clinic / 2).unwrap_or(0) % COORDINATORS
    }

    /// Writes the organizations and practitioners.
    pub(crate) fn write(&self, extracts: &mut Extracts) -> Result<(), SampleError> {
        use Value::{Empty, Organization, Practitioner, Text};
        let system = Organization(Self::SYSTEM);
        extracts.row(Table::Organization, &[system, Text("Three Rivers Health"), Text("system"), Empty])?;
        for (hospital, name) in HOSPITALS.iter().enumerate() {
            let id = Organization(Self::hospital(hospital));
            extracts.row(Table::Organization, &[id, Text(name), Text("hospital"), system])?;
        }
        for (clinic, name) in CLINICS.iter().enumerate() {
            let parent = Organization(Self::hospital(Self::hospital_of(clinic)));
            extracts
                .row(Table::Organization, &[Organization(Self::clinic(clinic)), Text(name), Text("clinic"), parent])?;
        }
        let mut random = Random::new(self.seed, 0, Stream::Directory);
        for (at, (role, specialty, organization)) in self.staff().into_iter().enumerate() {
            let title = if role == "physician" { "Dr. " } else { "" };
            let name = format!("{title}{} {}", random.pick(&GIVEN_NAMES), random.pick(&FAMILY_NAMES));
            let id = Practitioner(u32::try_from(at + 1).unwrap_or(0));
            let specialty = if specialty.is_empty() { Empty } else { Text(specialty) };
            extracts.row(Table::Practitioner, &[id, Text(&name), Text(role), specialty, Organization(organization)])?;
        }
        Ok(())
    }

    /// Role, specialty and organization of every practitioner, in the order of their identifiers.
    fn staff(&self) -> Vec<(&'static str, &'static str, u32)> {
        let mut staff = Vec::new();
        for clinic in 0..CLINICS.len() {
            staff.extend((0..3 * self.growth).map(|_| ("physician", "primary_care", Self::clinic(clinic))));
        }
        let first = self.first_specialist();
        for (at, (specialty, ..)) in SPECIALTIES.iter().enumerate() {
            let from = first + u32::try_from(at).unwrap_or(0) * 3 * self.growth;
            staff.extend(
                (from..from + 3 * self.growth).map(|specialist| {
                    ("physician", *specialty, Self::hospital(self.hospital_of_specialist(specialist)))
                }),
            );
        }
        for hospital in 0..HOSPITALS.len() {
            staff.extend((0..2 * self.growth).map(|_| ("physician", "hospital_medicine", Self::hospital(hospital))));
        }
        staff.extend((0..COORDINATORS).map(|_| ("coordinator", "", Self::SYSTEM)));
        staff
    }
}
