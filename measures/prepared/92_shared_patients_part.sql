-- Pairs of practitioners and how many patients of this group of buckets both saw in a calendar year; the first of a pair has
-- the lower id.
select a.year, a.practitioner_id as practitioner_a, b.practitioner_id as practitioner_b, count(*) as patients
from prepared.practitioners_of_patient a
join prepared.practitioners_of_patient b
    on b.patient_id = a.patient_id and b.year = a.year and b.practitioner_id > a.practitioner_id
group by a.year, a.practitioner_id, b.practitioner_id
