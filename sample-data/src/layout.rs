//! The files: which columns of each table's contract the extracts carry, in the order of their header.
//!
//! Columns that ingest fills in (the local date of an instant) are left out, as many source systems leave them out.

/// The tables that are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Table {
    Organization,
    Practitioner,
    Program,
    ProgramCost,
    Patient,
    Coverage,
    Encounter,
    Diagnosis,
    Procedure,
    Observation,
    MedicationFill,
    MedicationReconciliation,
    Referral,
    ReferralEvent,
    Appointment,
    CarePlan,
    CarePlanElement,
    CarePlanActivity,
    CarePlanActivityStatus,
    Goal,
    Contact,
    SocialScreening,
    SocialIntervention,
    CommunityReferral,
    SurveyInvitation,
    SurveyResponse,
    ClaimLine,
    ProgramEnrollment,
    ReadmissionReported,
}

/// A table's name and header.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Layout {
    /// Which table.
    pub table: Table,
    /// Its name in the contracts.
    pub name: &'static str,
    /// Its header.
    pub columns: &'static [&'static str],
}

macro_rules! layouts {
    ($($table:ident $name:literal: $($column:literal)+;)+) => {
        [$(Layout { table: Table::$table, name: $name, columns: &[$($column),+] }),+]
    };
}

/// Every file, in the order of [`Table`].
pub(crate) const LAYOUTS: [Layout; 29] = layouts! {
    Organization "organization": "organization_id" "name" "kind" "part_of_organization_id";
    Practitioner "practitioner": "practitioner_id" "name" "role" "specialty" "organization_id";
    Program "program": "program_id" "name" "kind" "organization_id" "start_date" "end_date";
    ProgramCost "program_cost": "program_id" "month" "item" "amount";
    Patient "patient": "patient_id" "birth_date" "sex" "race" "ethnicity" "language" "deprivation_quintile" "postal_code" "deceased_date"
        "primary_practitioner_id" "coordinator_id";
    Coverage "coverage": "coverage_id" "patient_id" "payer_id" "plan" "start_date" "end_date";
    Encounter "encounter": "encounter_id" "patient_id" "class" "status" "type" "started_at" "ended_at"
        "organization_id" "practitioner_id" "admission_type" "admit_source" "discharge_disposition"
        "primary_diagnosis" "part_of_encounter_id" "amount_allowed" "amount_paid";
    Diagnosis "diagnosis": "diagnosis_id" "patient_id" "encounter_id" "code_system" "code" "rank" "recorded_date";
    Procedure "procedure": "procedure_id" "patient_id" "encounter_id" "code_system" "code" "performed_date";
    Observation "observation": "observation_id" "patient_id" "encounter_id" "code_system" "code" "observed_date"
        "value_number" "unit" "organization_id";
    MedicationFill "medication_fill": "fill_id" "patient_id" "drug_class" "ingredients" "filled_date" "days_supply"
        "amount_paid";
    MedicationReconciliation "medication_reconciliation": "reconciliation_id" "patient_id" "encounter_id"
        "reconciled_date" "role" "setting";
    Referral "referral": "referral_id" "patient_id" "ordered_at" "status" "intent" "priority"
        "referring_practitioner_id" "referred_to_practitioner_id" "organization_id" "receiving_organization_id" "specialty" "in_network" "reason"
        "clinical_question" "status_reason";
    ReferralEvent "referral_event": "referral_id" "patient_id" "step" "occurred_at" "status";
    Appointment "appointment": "appointment_id" "patient_id" "referral_id" "practitioner_id" "organization_id"
        "specialty" "booked_date" "start_date" "status" "cancelled_date";
    CarePlan "care_plan": "care_plan_id" "patient_id" "status" "category" "start_date" "end_date"
        "owner_practitioner_id" "replaces_care_plan_id" "signed_date" "reviewed_date";
    CarePlanElement "care_plan_element": "care_plan_id" "patient_id" "element" "documented_date";
    CarePlanActivity "care_plan_activity": "activity_id" "care_plan_id" "patient_id" "kind" "status" "due_date"
        "held_days" "completed_date" "cancelled_date" "performer_practitioner_id" "status_reason";
    CarePlanActivityStatus "care_plan_activity_status": "activity_id" "patient_id" "status" "changed_date";
    Goal "goal": "goal_id" "patient_id" "care_plan_id" "lifecycle_status" "achievement_status" "due_date"
        "achieved_date";
    Contact "contact": "contact_id" "patient_id" "practitioner_id" "contact_date" "mode" "purpose" "outcome";
    SocialScreening "social_screening": "screening_id" "patient_id" "encounter_id" "screened_date" "domain" "result"
        "instrument" "organization_id" "practitioner_id";
    SocialIntervention "social_intervention": "intervention_id" "patient_id" "domain" "intervention_date" "kind" "status"
        "provider_contact";
    CommunityReferral "community_referral": "community_referral_id" "patient_id" "domain" "status" "status_reason"
        "ordered_date" "consented_date" "declined_date" "sent_date" "accepted_date" "rejected_date" "service_date"
        "closed_date" "output_date" "need_met_date" "community_organization_id" "organization_id" "practitioner_id";
    SurveyInvitation "survey_invitation": "invitation_id" "patient_id" "instrument" "version" "organization_id"
        "practitioner_id" "mode" "sampled_date";
    SurveyResponse "survey_response": "response_id" "invitation_id" "patient_id" "instrument" "version" "item_id"
        "raw_value" "organization_id" "practitioner_id" "mode" "completed_date" "proxy";
    ClaimLine "claim_line": "claim_id" "line_number" "patient_id" "encounter_id" "payer_id" "claim_type"
        "service_date" "paid_date" "organization_id" "practitioner_id" "code" "amount_allowed" "amount_paid";
    ProgramEnrollment "program_enrollment": "enrollment_id" "patient_id" "program_id" "arm" "start_date" "end_date"
        "refused_date" "engaged";
    ReadmissionReported "readmission_reported": "report_id" "patient_id" "index_encounter_id"
        "readmission_encounter_id" "index_discharge_date" "readmission_date" "planned";
};

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn layouts_stand_in_the_order_of_the_tables() {
        for (position, layout) in LAYOUTS.iter().enumerate() {
            assert_eq!(layout.table as usize, position, "{}", layout.name);
        }
    }

    #[test]
    fn headers_are_columns_of_the_contracts_and_carry_all_that_is_required() {
        let written: BTreeSet<&str> = LAYOUTS.iter().map(|layout| layout.name).collect();
        for contract in carecoord_lake::contract::tables().expect("contracts") {
            assert_eq!(
                written.contains(contract.name.as_str()),
                !["code_set", "attribution", "patient_merge"].contains(&contract.name.as_str()),
                "{}",
                contract.name
            );
        }
        for layout in LAYOUTS {
            let contract = carecoord_lake::contract::table(layout.name).expect("contract");
            for column in layout.columns {
                assert!(contract.column(column).is_some(), "{}.{column}", layout.name);
            }
            for column in contract.columns.iter().filter(|column| column.required) {
                let instant = column.local_date_of.as_deref().unwrap_or(&column.name);
                assert!(
                    layout.columns.contains(&column.name.as_str()) || layout.columns.contains(&instant),
                    "{}.{}",
                    layout.name,
                    column.name
                );
            }
        }
    }
}
